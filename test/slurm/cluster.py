"""A throw-away Slurm of several nodes on this machine: slurmctld and one slurmd a node, on free ports of the loopback
address, everything below one folder, and ended by its pids."""
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

PROGRAMS = ("slurmctld", "slurmd", "sbatch", "squeue", "scancel", "scontrol", "sinfo")
PATIENCE = 60  # seconds; guards against a hang only

CONF = """ClusterName={name}
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/none
CredType=cred/none
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,sched_min_interval=0,batch_sched_delay=0,bf_interval=2
MpiDefault=none
SwitchType=switch/none
MailProg=/bin/true
ReturnToService=2
MaxArraySize=1001
MinJobAge=300
KillWait=2
SlurmctldTimeout=60
SlurmdTimeout=25
InactiveLimit=0
Waittime=0
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP DefMemPerCPU=100
"""


def missing():
    """Slurm's programs that are not installed."""
    path = os.environ["PATH"] + ":/usr/sbin:/sbin"
    return [name for name in PROGRAMS if not shutil.which(name, path=path)]


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class Cluster:
    def __init__(self, folder, nodes=3, cpus=2, memory=4000):
        self.folder = Path(folder)
        self.names = [f"n{i}" for i in range(1, nodes + 1)]
        self.daemons = {}
        self.name = f"loom{os.getpid()}"
        (self.folder / "state").mkdir(parents=True)
        host = socket.gethostname().split(".")[0]
        port, *node_ports = free_ports(nodes + 1)
        conf = CONF.format(name=self.name, host=host, port=port, folder=self.folder, user=pwd.getpwuid(os.geteuid()).pw_name)
        for name, node_port in zip(self.names, node_ports):
            (self.folder / "spool" / name).mkdir(parents=True)
            conf += (f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={node_port} CPUs={cpus} "
                     f"RealMemory={memory} State=UNKNOWN\n")
        (self.folder / "slurm.conf").write_text(conf)
        self.env = {"SLURM_CONF": str(self.folder / "slurm.conf")}

    def run(self, *argv, check=True):
        return subprocess.run(argv, env={**os.environ, **self.env}, capture_output=True, text=True, check=check,
                              timeout=PATIENCE).stdout

    def begin(self, name, *argv):
        path = shutil.which(argv[0], path=os.environ["PATH"] + ":/usr/sbin:/sbin")
        with open(self.folder / f"{name}.out", "ab") as out:
            self.daemons[name] = subprocess.Popen([path, *argv[1:]], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                                  env={**os.environ, **self.env}, start_new_session=True)

    def begin_controller(self):
        self.begin("slurmctld", "slurmctld", "-D")

    def begin_node(self, name):
        self.begin(name, "slurmd", "-D", "-N", name)

    def start(self):
        self.begin_controller()
        for name in self.names:
            self.begin_node(name)
        until = time.monotonic() + PATIENCE
        while self.idle_nodes() < len(self.names):
            if time.monotonic() > until:
                logs = "\n".join(log.read_text()[-2000:] for log in self.folder.glob("*.log"))
                raise AssertionError(f"Slurm does not come up:\n{logs}")
            time.sleep(0.05)
        return self

    def idle_nodes(self):
        return self.run("sinfo", "-h", "-N", "-t", "idle", "-o", "%N", check=False).count("\n")

    def kill_controller(self):
        self.end("slurmctld", signal.SIGKILL)

    def end(self, name, number):
        daemon = self.daemons.pop(name)
        daemon.send_signal(number)
        try:
            daemon.wait(timeout=10)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()

    def processes(self, node=None):
        """Pids of what runs in jobs of this cluster (on `node`), and of the step daemons above."""
        found, parents = set(), set()
        for place in Path("/proc").iterdir():
            if not place.name.isdigit():
                continue
            try:
                words = (place / "environ").read_bytes().split(b"\0")
                parent = int((place / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, ValueError, IndexError):
                continue
            if f"SLURM_CLUSTER_NAME={self.name}".encode() not in words:
                continue
            if node is None or f"SLURMD_NODENAME={node}".encode() in words:
                found.add(int(place.name))
                parents.add(parent)
        return found | {pid for pid in parents if b"slurmstepd" in self.command(pid)}

    @staticmethod
    def command(pid):
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return b""

    def kill_node(self, name):
        """As a power cut does: the daemon and all that runs there, at once."""
        daemon = self.daemons.pop(name)
        daemon.kill()
        daemon.wait()
        self.kill(self.processes(name))
        self.run("scontrol", "update", f"nodename={name}", "state=down", "reason=killed")

    def start_node(self, name):
        self.begin_node(name)
        self.run("scontrol", "update", f"nodename={name}", "state=resume", check=False)

    @staticmethod
    def kill(pids):
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def elements(self, *states):
        """Array elements in one of `states`, as squeue has them."""
        return self.run("squeue", "-h", "-r", "-t", ",".join(states), "-o", "%i").split()

    def stop(self):
        self.run("scancel", "-u", pwd.getpwuid(os.geteuid()).pw_name, check=False)
        until = time.monotonic() + 10
        while time.monotonic() < until and self.run("squeue", "-h", "-o", "%i", check=False):
            time.sleep(0.05)
        for name in list(self.daemons):
            self.end(name, signal.SIGTERM)
        self.kill(self.processes())

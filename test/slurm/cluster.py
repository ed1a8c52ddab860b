"""A throw-away Slurm of several nodes on this machine: slurmctld and one slurmd a node, on free ports of the loopback
address, everything below one folder, and ended by its pids."""
import os
import pwd
import re
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
MessageTimeout=5
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


class Accounting:
    """slurmdbd and the MariaDB it keeps its records in, for a Cluster. Both listen on the loopback address or a socket."""

    PROGRAMS = ("slurmdbd", "sacctmgr", "sacct", "mariadbd", "mariadb-install-db", "mariadb")

    @classmethod
    def missing(cls):
        path = os.environ["PATH"] + ":/usr/sbin:/sbin"
        absent = [name for name in cls.PROGRAMS if not shutil.which(name, path=path)]
        plugins = list(Path("/usr/lib").glob("*/slurm-wlm/accounting_storage_mysql.so"))
        return absent + ([] if plugins else ["slurm-wlm-mysql-plugin"])

    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir()
        self.port, = free_ports(1)
        self.user = pwd.getpwuid(os.geteuid()).pw_name
        self.socket = self.folder / "mysql.sock"
        self.daemons = []

    def begin(self, *argv, **env):
        path = os.environ["PATH"] + ":/usr/sbin:/sbin"
        with open(self.folder / f"{argv[0]}.out", "ab") as out:
            self.daemons.append(subprocess.Popen([shutil.which(argv[0], path=path), *map(str, argv[1:])],
                                                 stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                                 env={**os.environ, **env}, start_new_session=True))

    def sql(self, text):
        return subprocess.run(["mariadb", f"--socket={self.socket}", f"-u{self.user}", "-e", text],
                              capture_output=True).returncode == 0

    def start(self, cluster):
        """Before the cluster's own daemons."""
        subprocess.run(["mariadb-install-db", "--no-defaults", f"--datadir={self.folder}/data", f"--user={self.user}",
                        "--auth-root-authentication-method=normal", "--skip-test-db"],
                       stdout=subprocess.DEVNULL, check=True)
        self.begin("mariadbd", "--no-defaults", f"--user={self.user}", f"--datadir={self.folder}/data",
                   f"--socket={self.socket}", "--skip-networking", "--innodb-buffer-pool-size=64M",
                   "--innodb-log-file-size=16M", "--innodb-lock-wait-timeout=900", "--innodb-flush-log-at-trx-commit=2",
                   "--performance-schema=0", "--skip-log-bin")
        wait(lambda: self.sql("select 1"), "MariaDB")
        assert self.sql("create database slurm_acct; create user 'slurm'@'localhost' identified by 'x'; "
                        "grant all on slurm_acct.* to 'slurm'@'localhost'")
        conf = cluster.folder / "slurmdbd.conf"
        conf.write_text(f"AuthType=auth/none\nDbdHost=localhost\nDbdAddr=127.0.0.1\nDbdPort={self.port}\n"
                        f"SlurmUser={self.user}\nLogFile={self.folder}/slurmdbd.log\nPidFile={self.folder}/slurmdbd.pid\n"
                        "StorageType=accounting_storage/mysql\nStorageHost=localhost\nStorageUser=slurm\n"
                        "StoragePass=x\nStorageLoc=slurm_acct\n")
        conf.chmod(0o600)
        with open(cluster.folder / "slurm.conf", "a") as slurm_conf:
            slurm_conf.write(f"AccountingStorageType=accounting_storage/slurmdbd\nAccountingStorageHost=127.0.0.1\n"
                             f"AccountingStoragePort={self.port}\nJobAcctGatherType=jobacct_gather/linux\n"
                             "JobAcctGatherFrequency=task=1\n")
        self.begin("slurmdbd", "-D", **cluster.env, MYSQL_UNIX_PORT=str(self.socket))
        wait(lambda: cluster.run("sacctmgr", "-i", "add", "cluster", cluster.name, check=False), "slurmdbd")
        cluster.run("sacctmgr", "-i", "add", "account", "loom")
        cluster.run("sacctmgr", "-i", "add", "user", self.user, "account=loom")
        return self

    def stop(self):
        for daemon in reversed(self.daemons):
            daemon.terminate()
            daemon.wait()


def wait(met, what):
    until = time.monotonic() + PATIENCE
    while not met():
        assert time.monotonic() < until, f"{what} does not come up"
        time.sleep(0.05)


class Cluster:
    def __init__(self, folder, nodes=3, cpus=2, memory=4000, accounting=False):
        self.folder = Path(folder)
        self.names = [f"n{i}" for i in range(1, nodes + 1)]
        self.daemons = {}
        self.name = f"loom{os.getpid()}"
        (self.folder / "state").mkdir(parents=True)
        host = socket.gethostname().split(".")[0]
        port, *node_ports = free_ports(nodes + 1)
        text = CONF
        if accounting:  # says of these itself
            text = re.sub(r"(?m)^(AccountingStorageType|JobAcctGatherType)=.*\n", "", text)
        conf = text.format(name=self.name, host=host, port=port, folder=self.folder, user=pwd.getpwuid(os.geteuid()).pw_name)
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

    def pause_node(self, name):
        """It answers nobody until go_on_node()."""
        self.daemons[name].send_signal(signal.SIGSTOP)

    def go_on_node(self, name):
        self.daemons[name].send_signal(signal.SIGCONT)

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

import type { Job } from "../api/client.ts";
export default function Explorer(_: { job: Job }) { return null; }

// The jobs that one sees: a list that follows what happens, and one job at a time.
import { useCallback, useEffect, useRef, useState } from "react";
import { get, post } from "./api.ts";
import { useDesk } from "./desk.tsx";
import { useEvent } from "./echo.ts";
import { naira, when } from "./format.ts";
import { JobView } from "./job.tsx";
import { Empty, Form, Pill } from "./parts.tsx";
import type { Job, JobUpdate } from "./types.ts";

export function Jobs({ open, onOpen }: { open: number | null; onOpen: (id: number | null) => void }) {
  return open === null ? <JobList onOpen={onOpen} /> : <JobView key={open} id={open} onBack={() => onOpen(null)} />;
}

function JobList({ onOpen }: { onOpen: (id: number) => void }) {
  const { me, echo, connections, attempt } = useDesk();
  const [jobs, setJobs] = useState<Job[] | null>(null);
  const [sought, setSought] = useState("");
  const [posting, setPosting] = useState(false);
  const latest = useRef(sought);
  latest.current = sought;
  const load = useCallback(() => {
    void attempt(async () => {
      const { data } = await get<{ data: Job[] }>(`jobs?q=${encodeURIComponent(sought)}`);
      // An answer to what was sought before may come after the one to what is sought now.
      if (latest.current === sought) setJobs(data);
    });
  }, [attempt, sought]);
  useEffect(load, [load, connections]);
  useEvent<JobUpdate>(echo, `user.${me.id}`, ".job.updated", ({ update_type: _, ...update }) => {
    setJobs((old) => old?.map((job) => (job.id === update.id ? { ...job, ...update } : job)) ?? null);
    load(); // it may be new here, or no longer ours
  });

  async function create(values: Record<string, string>) {
    const taken = await attempt(() => post("jobs", { ...values, budget: Number(values.budget) }));
    if (taken) {
      setPosting(false);
      load();
    }
    return taken;
  }

  return (
    <main className="column">
      <div className="bar">
        <h1>Jobs</h1>
        <input type="search" placeholder="Search jobs" aria-label="Search jobs" value={sought} onChange={(event) => setSought(event.target.value)} />
        {me.role === "client" && (
          <button type="button" className="primary" aria-expanded={posting} onClick={() => setPosting(!posting)}>
            Post a job
          </button>
        )}
      </div>
      {posting && (
        <section className="panel">
          <Form button="Post it" onSend={create} fields={<NewJob />} />
        </section>
      )}
      {jobs?.length === 0 && <Empty title="No jobs here">{sought ? "Nothing has these words in it." : "New ones show up by themselves."}</Empty>}
      <ul className="cards" id="jobs">
        {jobs?.map((job) => (
          <li key={job.id}>
            <button type="button" className="card job" onClick={() => onOpen(job.id)}>
              <span className="head">
                <strong>{job.title}</strong>
                <Pill text={job.status} />
              </span>
              <span className="facts">
                <b>{naira(job.budget)}</b>
                <span>{job.category}</span>
                {job.priority === "high" && <span className="urgent">urgent</span>}
                <span>{job.client_id === me.id ? (job.artisan?.name ?? "nobody yet") : job.client.name}</span>
                <time dateTime={job.updated_at}>{when(job.updated_at)}</time>
              </span>
            </button>
          </li>
        ))}
      </ul>
    </main>
  );
}

function NewJob() {
  return (
    <>
      <label>
        Title
        <input name="title" required minLength={3} maxLength={120} />
      </label>
      <label>
        What is to be done
        <textarea name="description" required maxLength={4000} rows={3} />
      </label>
      <div className="row">
        <label>
          Category
          <input name="category" required minLength={2} maxLength={40} />
        </label>
        <label>
          Budget in ₦
          <input name="budget" type="number" required min={1} max={100000000} />
        </label>
        <label>
          Priority
          <select name="priority" defaultValue="normal">
            <option>low</option>
            <option>normal</option>
            <option>high</option>
          </select>
        </label>
      </div>
    </>
  );
}

// One job: what is to be done, by whom, how far it is; who is looking at it, and what they do.
import { useCallback, useEffect, useState, type ReactNode } from "react";
import { ApiError, get, patch, post } from "./api.ts";
import { useDesk } from "./desk.tsx";
import { useEvent } from "./echo.ts";
import { naira, when } from "./format.ts";
import { Action, Avatar, Empty, Form, Name, Pill } from "./parts.tsx";
import type { Activity, JobPage, JobUpdate, Person } from "./types.ts";

export function JobView({ id, onBack }: { id: number; onBack: () => void }) {
  const { me, echo, connections, attempt } = useDesk();
  const [job, setJob] = useState<JobPage | null>(null);
  const [missing, setMissing] = useState(false);
  const load = useCallback(() => {
    void attempt(async () => {
      try {
        setJob(await get<JobPage>(`jobs/${id}`));
      } catch (error) {
        if (!(error instanceof ApiError) || error.status !== 404) throw error;
        setMissing(true);
      }
    });
  }, [attempt, id]);
  useEffect(load, [load, connections]);
  useEvent<JobUpdate>(echo, `user.${me.id}`, ".job.updated", (update) => update.id === id && load());

  if (missing) return <Empty title="This job is not here any more">Somebody else got it, perhaps.</Empty>;
  if (!job) return <main className="column" />;
  const mine = job.client_id === me.id;
  const working = job.artisan_id === me.id;
  const doing = (path: string, body?: unknown) => () => attempt(() => post(path, body)).then((done) => (load(), done));

  return (
    <main className="column" id="job">
      <div className="bar">
        <button type="button" className="quiet" onClick={onBack}>
          ← Jobs
        </button>
        {(mine || working) && <Here id={id} />}
      </div>
      <section className="panel">
        <div className="head">
          <h1>{job.title}</h1>
          <Pill text={job.status} />
        </div>
        <p className="text">{job.description}</p>
        <p className="facts">
          <b>{naira(job.budget)}</b> <span>{job.category}</span> <span>{job.priority} priority</span>
          {job.payment && <span className="money">{job.payment.escrow_status === "held" ? "paid into escrow" : job.payment.escrow_status}</span>}
        </p>
        <People job={job} />
        <div className="actions">
          {working && job.status === "assigned" && <Action onPress={doing(`jobs/${id}/start`)}>Start work</Action>}
          {working && job.status === "in-progress" && <Action onPress={doing(`jobs/${id}/complete`)}>Work is done</Action>}
          {mine && job.artisan_id && !job.payment && <Action onPress={doing(`jobs/${id}/pay`)}>Pay {naira(job.budget)} into escrow</Action>}
          {mine && job.status === "completed" && job.payment?.escrow_status === "held" && (
            <Action onPress={doing(`payments/${job.payment.id}/release`)}>Release {naira(job.payment.amount)}</Action>
          )}
        </div>
      </section>
      <Milestones job={job} doing={doing} reload={load} />
      <ProgressOf job={job} doing={doing} working={working} />
      <Applications job={job} doing={doing} mine={mine} />
      {(mine || working) && <Log id={id} />}
      <Disagree job={job} doing={doing} />
    </main>
  );
}

type Doing = (path: string, body?: unknown) => () => Promise<boolean>;

// Who has this page open: presence-job.{id}.
function Here({ id }: { id: number }) {
  const { me, echo } = useDesk();
  const [here, setHere] = useState<{ id: number; name: string }[]>([]);
  useEffect(() => {
    echo
      .join(`job.${id}`)
      .here(setHere)
      .joining((person: { id: number; name: string }) => setHere((all) => [...all.filter((one) => one.id !== person.id), person]))
      .leaving((person: { id: number }) => setHere((all) => all.filter((one) => one.id !== person.id)));
    return () => echo.leaveChannel(`presence-job.${id}`);
  }, [echo, id]);
  const others = here.filter((person) => person.id !== me.id);
  return (
    <span className="here" id="here">
      {others.map((person) => (
        <Avatar key={person.id} person={person} online />
      ))}
      {others.length ? `${others.map((person) => person.name).join(", ")} is here` : "Only you are here"}
    </span>
  );
}

// What is done while one looks: private-job.{id}.
function Log({ id }: { id: number }) {
  const { echo } = useDesk();
  const [lines, setLines] = useState<Activity[]>([]);
  useEvent<Activity>(echo, `job.${id}`, ".job.activity", (activity) => setLines((old) => [activity, ...old].slice(0, 20)));
  useEffect(() => () => echo.leaveChannel(`private-job.${id}`), [echo, id]);
  if (lines.length === 0) return null;
  return (
    <Section title="Just now">
      <ul className="lines" id="activity">
        {lines.map((line) => (
          <li key={line.created_at + line.description}>
            <span>{line.description}</span>
            <small>
              {line.by.name}, {when(line.created_at)}
            </small>
          </li>
        ))}
      </ul>
    </Section>
  );
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="panel">
      <h2>{title}</h2>
      {children}
    </section>
  );
}

function People({ job }: { job: JobPage }) {
  const { me, write } = useDesk();
  const people = [job.client, job.artisan].filter((person): person is Person => person !== null);
  return (
    <ul className="people">
      {people.map((person) => (
        <li key={person.id}>
          <Avatar person={person} />
          <span>
            <Name person={person} /> <small>{person.role}</small>
          </span>
          {person.id !== me.id && (
            <button type="button" className="quiet" onClick={() => write(person.id)}>
              Write
            </button>
          )}
        </li>
      ))}
    </ul>
  );
}

function Milestones({ job, doing, reload }: { job: JobPage; doing: Doing; reload: () => void }) {
  const { me, attempt } = useDesk();
  const ours = me.id === job.client_id || me.id === job.artisan_id;
  const under = job.status === "assigned" || job.status === "in-progress";
  const change = (id: number, done: boolean) =>
    void attempt(() => patch(`jobs/${job.id}/milestones/${id}`, { status: done ? "done" : "pending" })).then(reload);
  if (!ours && job.milestones.length === 0) return null;
  return (
    <Section title="Milestones">
      <ul className="lines" id="milestones">
        {job.milestones.map((milestone) => (
          <li key={milestone.id}>
            <label className="check">
              <input
                type="checkbox"
                checked={milestone.status === "done"}
                disabled={!ours || !under}
                onChange={(event) => change(milestone.id, event.target.checked)}
              />
              {milestone.title}
            </label>
          </li>
        ))}
      </ul>
      {ours && (under || job.status === "open") && (
        <Form
          button="Add"
          onSend={({ title }) => doing(`jobs/${job.id}/milestones`, { title })()}
          fields={<input name="title" placeholder="A new milestone" aria-label="A new milestone" required maxLength={120} />}
        />
      )}
    </Section>
  );
}

function ProgressOf({ job, doing, working }: { job: JobPage; doing: Doing; working: boolean }) {
  const last = job.progress_updates.at(-1);
  const telling = working && job.status === "in-progress";
  if (!last && !telling) return null;
  return (
    <Section title="Progress">
      <progress max={100} value={last?.percent ?? 0} aria-label="Progress" />
      <ul className="lines" id="progress">
        {job.progress_updates.toReversed().map((update) => (
          <li key={update.id}>
            <span>
              <b>{update.percent} %</b> {update.note}
            </span>
            <small>{when(update.created_at)}</small>
          </li>
        ))}
      </ul>
      {telling && (
        <Form
          button="Tell"
          onSend={({ percent, note }) => doing(`jobs/${job.id}/progress`, { percent: Number(percent), note })()}
          fields={
            <>
              <input name="percent" type="number" min={0} max={100} required placeholder="%" aria-label="Percent" className="short" />
              <input name="note" required maxLength={300} placeholder="What is done" aria-label="What is done" />
            </>
          }
        />
      )}
    </Section>
  );
}

function Applications({ job, doing, mine }: { job: JobPage; doing: Doing; mine: boolean }) {
  const { me, write } = useDesk();
  const applying = me.role === "artisan" && job.status === "open" && job.applications.length === 0;
  if (applying) {
    return (
      <Section title="Apply">
        <Form
          button="Apply"
          onSend={({ note }) => doing(`jobs/${job.id}/apply`, { note })()}
          fields={<textarea name="note" required maxLength={2000} rows={2} placeholder="When, how, and why you" aria-label="Your application" />}
        />
      </Section>
    );
  }
  if (job.applications.length === 0) return null;
  return (
    <Section title={mine ? "Who applied" : "Your application"}>
      <ul className="lines" id="applications">
        {job.applications.map((one) => (
          <li key={one.id} className="application">
            <Avatar person={one.artisan} />
            <span className="text">
              <b>
                <Name person={one.artisan} />
              </b>{" "}
              {one.note}
            </span>
            {one.status !== "pending" && <Pill text={one.status} />}
            {mine && (
              <button type="button" className="quiet" onClick={() => write(one.artisan.id)}>
                Write
              </button>
            )}
            {mine && job.status === "open" && <Action onPress={doing(`jobs/${job.id}/applications/${one.id}/accept`)}>Accept</Action>}
          </li>
        ))}
      </ul>
    </Section>
  );
}

function Disagree({ job, doing }: { job: JobPage; doing: Doing }) {
  if (job.payment?.escrow_status !== "held" || !["in-progress", "completed"].includes(job.status)) return null;
  return (
    <details className="panel">
      <summary>Something is wrong</summary>
      <Form
        button="Open a dispute"
        onSend={({ reason }) => doing(`jobs/${job.id}/disputes`, { reason })()}
        fields={<textarea name="reason" required maxLength={2000} rows={2} placeholder="An administrator will read this" aria-label="What is wrong" />}
      />
    </details>
  );
}

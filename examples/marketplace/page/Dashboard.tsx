import { useEffect, useState } from "react";
import { api } from "./lib/api";
import type { Account, Statistics } from "./types";

const ASKED_EVERY = 5_000;

export function Dashboard({ me }: { me: Account }) {
  const [figures, setFigures] = useState<Statistics | null>(null);
  const [trouble, setTrouble] = useState("");

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>;
    async function ask() {
      try {
        setFigures(await api.get<Statistics>("/laravel-websockets/statistics"));
        setTrouble("");
      } catch (error) {
        setTrouble((error as Error).message);
      }
      timer = setTimeout(ask, ASKED_EVERY);
    }
    if (me.role === "admin") void ask();
    else setTrouble("Only administrators can see that.");
    return () => clearTimeout(timer);
  }, [me.role]);

  if (!figures) return <main className="dashboard">{trouble && <p className="notice" role="alert">{trouble}</p>}</main>;
  const { connections, channels } = figures;
  return (
    <main className="dashboard">
      {trouble && <p className="notice" role="alert">{trouble}</p>}
      <ul className="figures">
        <Figure id="connections" name="Active connections" value={connections?.open ?? "—"} about={connections ? `${connections.peak} at most, ${connections.opened} in all` : `the ${figures.driver} service has them`} />
        <Figure name="Messages in the last hour" value={figures.messages_last_hour} about={`${figures.messages_last_day} in the last day`} />
        <Figure name="Broadcasts" value={sum(figures.sent)} about={`${sum(figures.failed)} failed, ${sum(figures.dropped)} dropped`} />
        <Figure name="Frames to clients" value={connections?.frames_sent ?? "—"} about={connections ? `${connections.frames_received} from them` : "not counted here"} />
      </ul>
      <section>
        <h2>Channels</h2>
        {channels === null && <p className="nothing">The {figures.driver} service cannot be asked for its channels.</p>}
        {channels?.length === 0 && <p className="nothing">Nobody is subscribed to anything.</p>}
        {!!channels?.length && (
          <table id="channels">
            <thead><tr><th>Channel</th><th>Subscriptions</th><th>People</th></tr></thead>
            <tbody>
              {channels.map(({ name, subscriptions, users }) => (
                <tr key={name}><td>{name}</td><td>{subscriptions ?? "—"}</td><td>{users ?? "—"}</td></tr>
              ))}
            </tbody>
          </table>
        )}
      </section>
      <section>
        <h2>Events</h2>
        {names(figures).length === 0 && <p className="nothing">Nothing was broadcast yet.</p>}
        {names(figures).length > 0 && (
          <table id="events">
            <thead><tr><th>Event</th><th>Sent</th><th>Failed</th><th>Dropped</th></tr></thead>
            <tbody>
              {names(figures).map((name) => (
                <tr key={name}>
                  <td>{name}</td><td>{figures.sent[name] ?? 0}</td><td>{figures.failed[name] ?? 0}</td><td>{figures.dropped[name] ?? 0}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </section>
      <section>
        <h2>Errors</h2>
        {figures.errors.length === 0 && <p className="nothing">None.</p>}
        <ul className="errors">
          {figures.errors.map(({ at, what }, index) => (
            <li key={index}><time dateTime={at}>{new Date(at).toLocaleTimeString()}</time> {what}</li>
          ))}
        </ul>
      </section>
      <p className="quietly">Driver {figures.driver}, queue {figures.queue}.</p>
    </main>
  );
}

function Figure({ id, name, value, about }: { id?: string; name: string; value: number | string; about: string }) {
  return (
    <li id={id}>
      <p>{name}</p>
      <b>{value}</b>
      <p className="quietly">{about}</p>
    </li>
  );
}

const sum = (counted: Record<string, number>): number => Object.values(counted).reduce((all, one) => all + one, 0);
const names = ({ sent, failed, dropped }: Statistics): string[] => [...new Set([sent, failed, dropped].flatMap(Object.keys))].sort();

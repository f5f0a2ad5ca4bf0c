// What administrators decide: disputes, and who is verified. `private-admin` says when there is something.
import { useCallback, useEffect, useState } from "react";
import { get, post } from "./api.ts";
import { useDesk } from "./desk.tsx";
import { useEvent } from "./echo.ts";
import { Action, Avatar, Empty } from "./parts.tsx";
import type { Dispute, Notice, Person } from "./types.ts";

export function Administration() {
  const { echo, connections, attempt, toast } = useDesk();
  const [disputes, setDisputes] = useState<Dispute[] | null>(null);
  const [asking, setAsking] = useState<Person[]>([]);
  const load = useCallback(() => {
    void attempt(async () => {
      setDisputes((await get<{ data: Dispute[] }>("disputes")).data);
      setAsking((await get<{ data: Person[] }>("verifications")).data);
    });
  }, [attempt]);
  useEffect(load, [load, connections]);
  useEvent<Notice>(echo, "admin", ".admin.notice", (notice) => {
    toast("To decide", notice.message);
    load();
  });

  const decide = (path: string, body?: unknown) => () => attempt(() => post(path, body)).then(load);
  return (
    <main className="column">
      <div className="bar">
        <h1>To decide</h1>
        <a href="/admin/">Records</a>
      </div>
      {disputes?.length === 0 && asking.length === 0 && <Empty title="Nothing to decide">Disputes and new artisans show up here.</Empty>}
      <ul className="cards">
        {disputes?.map((dispute) => (
          <li key={dispute.id} className="card">
            <strong>{dispute.title}</strong>
            <span>
              {dispute.opened_by}: {dispute.reason}
            </span>
            <span className="actions">
              <Action onPress={decide(`disputes/${dispute.id}/resolve`, { outcome: "release" })}>Release to the artisan</Action>
              <Action quiet onPress={decide(`disputes/${dispute.id}/resolve`, { outcome: "refund" })}>
                Refund the client
              </Action>
            </span>
          </li>
        ))}
        {asking.map((person) => (
          <li key={person.id} className="card">
            <span className="who">
              <Avatar person={person} />
              <strong>{person.name}</strong> asks to be verified
            </span>
            <span className="actions">
              <Action onPress={decide(`verifications/${person.id}/approve`)}>Approve</Action>
            </span>
          </li>
        ))}
      </ul>
    </main>
  );
}

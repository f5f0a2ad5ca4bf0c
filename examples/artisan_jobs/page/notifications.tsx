import { useCallback, useEffect, useState } from "react";
import { get, post } from "./api.ts";
import { useDesk } from "./desk.tsx";
import { useEvent } from "./echo.ts";
import { when } from "./format.ts";
import { Action, Empty } from "./parts.tsx";
import type { Notification } from "./types.ts";

export function Notifications({ onChanged }: { onChanged: () => void }) {
  const { me, echo, connections, attempt, recount, open } = useDesk();
  const [shown, setShown] = useState<Notification[] | null>(null);
  const load = useCallback(() => {
    void attempt(async () => setShown((await get<{ data: Notification[] }>("notifications")).data));
  }, [attempt]);
  useEffect(load, [load, connections]);
  useEvent<Notification>(echo, `user.${me.id}`, ".notification.sent", (data) => setShown((old) => [data, ...(old ?? [])]));

  async function read(notification: Notification) {
    await attempt(() => post(`notifications/${notification.id}/read`));
    load();
    recount();
    if (typeof notification.data.job_id === "number") open(notification.data.job_id);
  }
  async function readAll() {
    await attempt(() => post("notifications/read"));
    load();
    recount();
  }
  async function verify() {
    if (await attempt(() => post("verification"))) onChanged();
  }

  return (
    <main className="column">
      <div className="bar">
        <h1>Notices</h1>
        {shown?.some((one) => !one.read_at) && (
          <Action quiet onPress={readAll}>
            Mark all read
          </Action>
        )}
      </div>
      {me.role === "artisan" && me.verification !== "approved" && (
        <section className="panel verify">
          <p>{me.verification === "requested" ? "An administrator looks at your account." : "Clients trust artisans who are verified."}</p>
          {me.verification === "none" && <Action onPress={verify}>Ask to be verified</Action>}
        </section>
      )}
      {shown?.length === 0 && <Empty title="All quiet">Payments, finished jobs and decisions show up here.</Empty>}
      <ul className="cards" id="notifications">
        {shown?.map((one) => (
          <li key={one.id}>
            <button type="button" className={`card notification${one.read_at ? "" : " new"}`} onClick={() => void read(one)}>
              <strong>{one.title}</strong>
              <span>{one.message}</span>
              <time dateTime={one.created_at}>{when(one.created_at)}</time>
            </button>
          </li>
        ))}
      </ul>
    </main>
  );
}

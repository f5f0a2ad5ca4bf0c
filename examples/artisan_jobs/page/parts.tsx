// Small things that every view is made of. Texts are children, so React sets them as text.
import { useState, type FormEvent, type ReactNode } from "react";
import { words } from "./format.ts";
import type { Person } from "./types.ts";

export function Avatar({ person, online }: { person: { id: number; name: string }; online?: boolean }) {
  const hue = (person.id * 137.5 + 20) % 360; // steps of the golden angle: neighbors never look alike
  return (
    <span className={`avatar${online ? " online" : ""}`} style={{ "--hue": hue } as never} aria-hidden="true">
      {person.name.slice(0, 1)}
    </span>
  );
}

export function Name({ person }: { person: Person }) {
  return (
    <>
      {person.name}
      {person.verified && (
        <span className="verified" title="Verified" aria-label="verified">
          ✓
        </span>
      )}
    </>
  );
}

export function Pill({ text }: { text: string }) {
  return <span className={`pill ${text}`}>{words(text)}</span>;
}

export function Empty({ title, children }: { title: string; children: ReactNode }) {
  return (
    <div className="empty">
      <h2>{title}</h2>
      <p>{children}</p>
    </div>
  );
}

// A button that can be pressed once at a time.
export function Action({ onPress, children, quiet }: { onPress: () => Promise<unknown>; children: ReactNode; quiet?: boolean }) {
  const [busy, setBusy] = useState(false);
  const press = () => {
    setBusy(true);
    void onPress().finally(() => setBusy(false));
  };
  return (
    <button type="button" className={quiet ? "quiet" : "primary"} disabled={busy} onClick={press}>
      {children}
    </button>
  );
}

// A form of one line or a few; it is emptied when what it holds was taken.
export function Form({
  fields,
  button,
  onSend,
}: {
  fields: ReactNode;
  button: string;
  onSend: (values: Record<string, string>) => Promise<boolean>;
}) {
  const [busy, setBusy] = useState(false);
  async function send(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = event.currentTarget;
    setBusy(true);
    const taken = await onSend(Object.fromEntries(new FormData(form)) as Record<string, string>);
    setBusy(false);
    if (taken) form.reset();
  }
  return (
    <form onSubmit={(event) => void send(event)}>
      {fields}
      <button className="primary" disabled={busy}>
        {button}
      </button>
    </form>
  );
}

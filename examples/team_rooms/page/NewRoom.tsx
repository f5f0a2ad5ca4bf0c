import { useState, type FormEvent } from "react";

import { Icon } from "@/parts";
import { api } from "@/lib/api";

interface Props {
  report: (error: unknown) => void;
  onMade: (id: number) => void;
}

export function NewRoom({ report, onMade }: Props) {
  const [isAsking, setAsking] = useState(false);
  const [name, setName] = useState("");
  const [isOpen, setOpen] = useState(true);

  async function submit(event: FormEvent) {
    event.preventDefault();
    const made = await api.create(name, isOpen);
    setAsking(false);
    setName("");
    onMade(made.id);
  }

  if (!isAsking) {
    return (
      <button type="button" className="new-room" onClick={() => setAsking(true)}>
        <Icon name="plus" /> New room
      </button>
    );
  }
  return (
    <form className="new-room" onSubmit={(event) => void submit(event).catch(report)}>
      <label>
        Name
        <input required maxLength={60} autoFocus value={name} onChange={(e) => setName(e.target.value)} />
      </label>
      <label className="check">
        <input type="checkbox" checked={isOpen} onChange={(e) => setOpen(e.target.checked)} />
        Anyone may join
      </label>
      <div>
        <button className="primary">Create</button>
        <button type="button" onClick={() => setAsking(false)}>
          Cancel
        </button>
      </div>
    </form>
  );
}

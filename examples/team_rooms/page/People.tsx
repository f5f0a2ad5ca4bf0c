// Who is in a room, and what one may do about it.
import { useState, type FormEvent } from "react";

import { Avatar, IconButton, timeOf } from "@/parts";
import type { Member, Person, Role } from "@/lib/api";

interface Props {
  members: Member[];
  me: Person;
  onRole: (user: number, role: Role) => void;
  onSendAway: (user: number) => void;
}

export function People({ members, me, onRole, onSendAway }: Props) {
  const sorted = members.toSorted((a, b) => Number(b.is_online) - Number(a.is_online));
  const mine = members.find((member) => member.user_id === me.id)?.role ?? "guest";
  return (
    <ul className="members">
      {sorted.map((member) => {
        const { user_id: user, user_name: name, role } = member;
        const choice = user === me.id ? [] : rolesToGive(mine, role);
        return (
          <li key={user} data-online={member.is_online}>
            <Avatar name={name} online={member.is_online} />
            <span className="who">
              <b>{name}</b>
              <span>{presenceOf(member)}</span>
            </span>
            {choice.length === 0 ? (
              <span className="role" data-role={role}>
                {role}
              </span>
            ) : (
              <>
                <select
                  className="role"
                  data-role={role}
                  aria-label={`Role of ${name}`}
                  value={role}
                  onChange={(event) => onRole(user, event.target.value as Role)}
                >
                  {choice.map((one) => (
                    <option key={one}>{one}</option>
                  ))}
                </select>
                <IconButton
                  icon="close"
                  label={`Send ${name} away`}
                  className="tiny"
                  onClick={() => window.confirm(`Send ${name} away?`) && onSendAway(user)}
                />
              </>
            )}
          </li>
        );
      })}
    </ul>
  );
}

const ROLES: Role[] = ["guest", "member", "moderator", "owner"];

/** What one may turn another into; the server decides, in roles.py. */
function rolesToGive(mine: Role, theirs: Role): Role[] {
  if (theirs === "owner") return [];
  if (mine === "owner") return ROLES;
  return mine === "moderator" && theirs !== "moderator" ? ["guest", "member"] : [];
}

function presenceOf({ is_online: isOnline, last_seen: lastSeen }: Member): string {
  if (isOnline) return "online";
  return lastSeen ? `last seen ${timeOf(lastSeen)}` : "not here yet";
}

export function Invite({ onInvite }: { onInvite: (email: string) => Promise<void> }) {
  const [email, setEmail] = useState("");
  function submit(event: FormEvent) {
    event.preventDefault();
    void onInvite(email).then(() => setEmail(""));
  }
  return (
    <form className="invite" onSubmit={submit}>
      <input
        type="email"
        required
        placeholder="Add by email"
        aria-label="Email of whom to add"
        value={email}
        onChange={(e) => setEmail(e.target.value)}
      />
      <button className="small">Add</button>
    </form>
  );
}

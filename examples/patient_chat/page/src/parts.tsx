// Small things that several parts of the page show.
import type { Availability } from "./types";

export function Logo() {
  return (
    <svg className="logo" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="9" />
      <path d="M13 8h6v5h5v6h-5v5h-6v-5H8v-6h5z" />
    </svg>
  );
}

const ICONS = {
  attach: "M20 11.5l-8.2 8.2a5 5 0 0 1-7-7l8.5-8.5a3.4 3.4 0 0 1 4.8 4.8l-8.5 8.4a1.7 1.7 0 0 1-2.4-2.4l7.8-7.7",
  back: "M15 5l-7 7 7 7",
  close: "M6 6l12 12M18 6L6 18",
  file: "M14 3H7a2 2 0 0 0-2 2v14a2 2 0 0 0 2 2h10a2 2 0 0 0 2-2V8zM14 3v5h5",
  leave: "M14 4h4a2 2 0 0 1 2 2v12a2 2 0 0 1-2 2h-4M10 8l-4 4 4 4M6 12h9",
  search: "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM16 16l5 5",
  send: "M5 12h13M12 5l7 7-7 7",
  sent: "M4 12.500l5 5L20 6.5",
  twice: "M2 12.500l5 5L16 8M11 17l1 .5L22.5 7",
} as const;

export function Icon({ name, label }: { name: keyof typeof ICONS; label?: string }) {
  return (
    <>
      <svg viewBox="0 0 24 24" aria-hidden="true">
        <path d={ICONS[name]} />
      </svg>
      {label && <span className="hidden">{label}</span>}
    </>
  );
}

export const SAID: Record<Availability, string> = { available: "Available", busy: "Busy", away: "Away" };

interface AvatarProps {
  name: string;
  isOnline?: boolean;
  status?: Availability;
}

export function Avatar({ name, isOnline = false, status = "available" }: AvatarProps) {
  const words = name.replace(/^Dr\.\s+/, "").split(/\s+/);
  const initials = [words[0], words.length > 1 ? words.at(-1) : ""].map((word) => [...(word ?? "")][0] ?? "").join("");
  // Always the same color for a name.
  const color = [...name].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)!) % 997, 7) % 6;
  return (
    <span className={`avatar color-${color}`} data-presence={isOnline ? status : "offline"} aria-hidden="true">
      {initials}
    </span>
  );
}

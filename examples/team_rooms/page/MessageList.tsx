import { Fragment, useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";

import { Avatar, Empty, Icon, dayOf, sizeOf, timeOf } from "@/parts";
import type { Member, Message, Person, Upload } from "@/lib/api";

interface Props {
  messages: Message[];
  me: Person;
  members: Member[];
  more: boolean;
  loaded: boolean;
  onShown: (message: number) => void;
  onMore: () => Promise<void>;
  onReact?: React;
}

type React = (message: number, emoji: string, isOn: boolean) => void;

const NEAR = 120;
// A message is shown when all of it is, but for this much.
const OUT_OF_SIGHT = 24;
const MOST_NAMES = 4;
const EMOJIS = ["👍", "❤️", "😂", "🎉", "👀", "✅"];

export function MessageList({ messages, me, members, more, loaded, onShown, onMore, onReact }: Props) {
  const scroller = useRef<HTMLDivElement>(null);
  const top = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(true);
  const oldest = useRef<{ id: number; height: number } | null>(null);
  const first = messages[0]?.id;
  const myLast = messages.findLast((message) => message.sender_name === me.name)?.id ?? Infinity;
  const seenBy = namesOf(members.filter((one) => one.user_id !== me.id && one.last_read_id >= myLast));

  // At the end it stays there; when older ones come in above, what one reads stays where it is.
  useLayoutEffect(() => {
    const box = scroller.current!;
    if (isAtEnd.current) box.scrollTop = box.scrollHeight;
    else if (oldest.current && first < oldest.current.id) box.scrollTop += box.scrollHeight - oldest.current.height;
    oldest.current = first === undefined ? null : { id: first, height: box.scrollHeight };
  }, [messages, first, seenBy]);

  // What is shown in a window that can be seen is read.
  const look = useCallback(() => {
    const end = endOfSight(scroller.current);
    const shown = messages.findLast(({ id, sender_name: sender }) => sender !== me.name && id <= end);
    if (shown) onShown(shown.id);
  }, [messages, me.name, onShown]);
  useLayoutEffect(look, [look]);
  useEffect(() => {
    document.addEventListener("visibilitychange", look);
    return () => document.removeEventListener("visibilitychange", look);
  }, [look]);
  const lookNow = useRef(look);
  lookNow.current = look;

  // Where a banner takes away some of the room, or a keyboard, the end stays in sight.
  useEffect(() => {
    const box = scroller.current!;
    const watcher = new ResizeObserver(() => {
      if (isAtEnd.current) box.scrollTop = box.scrollHeight;
      lookNow.current();
    });
    watcher.observe(box);
    return () => watcher.disconnect();
  }, []);

  // Older messages are loaded when one scrolls up to where they would be.
  const load = useRef(onMore);
  load.current = onMore;
  useEffect(() => {
    if (!more) return;
    let isLoading = false;
    const watcher = new IntersectionObserver(async ([entry]) => {
      if (!entry.isIntersecting || isLoading || scroller.current!.scrollHeight <= scroller.current!.clientHeight) return;
      isLoading = true;
      await load.current();
      isLoading = false;
    });
    watcher.observe(top.current!);
    return () => watcher.disconnect();
  }, [more, first]);

  return (
    <div
      className="messages"
      ref={scroller}
      tabIndex={0}
      onScroll={({ currentTarget: box }) => {
        // a list that is hidden is not scrolled by anybody
        if (box.clientHeight) isAtEnd.current = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR;
        look();
      }}
    >
      <div ref={top} className="top">
        {more && "Older messages…"}
      </div>
      {loaded && messages.length === 0 && <Empty>Nobody has written here yet. Say hello!</Empty>}
      <ol role="log" aria-live="polite" aria-label="Messages">
        {messages.map((message, index) => {
          const before = messages[index - 1];
          const isNewDay = !before || dayOf(before.created_at) !== dayOf(message.created_at);
          const goesOn = !isNewDay && before.sender_name === message.sender_name && before.type !== "system";
          return (
            <Fragment key={message.id}>
              {isNewDay && <li className="day">{dayOf(message.created_at)}</li>}
              <MessageItem message={message} me={me} goesOn={goesOn} onReact={onReact} />
              {message.id === myLast && seenBy && <li className="receipt">Seen by {seenBy}</li>}
            </Fragment>
          );
        })}
      </ol>
    </div>
  );
}

/** The id of the last message that is in sight, or 0: also when the list has just been taken away. */
function endOfSight(box: HTMLElement | null): number {
  if (!box?.clientHeight || document.visibilityState !== "visible") return 0;
  const bottom = box.getBoundingClientRect().bottom + OUT_OF_SIGHT;
  const items = [...box.querySelectorAll<HTMLElement>("li[data-id]")];
  return Number(items.findLast((item) => item.getBoundingClientRect().bottom <= bottom)?.dataset.id ?? 0);
}

function namesOf(members: Member[]): string {
  const names = members.slice(0, MOST_NAMES).map((one) => one.user_name);
  const more = members.length - names.length;
  return `${names.join(", ")}${more ? ` and ${more} more` : ""}`;
}

interface ItemProps {
  message: Message;
  me: Person;
  goesOn?: boolean;
  onReact?: React;
}

export function MessageItem({ message, me, goesOn = false, onReact }: ItemProps) {
  const { type, upload } = message;
  const isMine = message.sender_name === me.name;
  if (type === "system") {
    return (
      <li className="system" data-id={message.id}>
        <span dir="auto">{message.message}</span>
        {upload && !upload.thumbnail_url && <FileLink upload={upload} />}
      </li>
    );
  }
  return (
    <li className={`message${isMine ? " mine" : ""}${goesOn ? " goes-on" : ""}`} data-id={message.id}>
      {!isMine && <Avatar name={message.sender_name} />}
      <div className="bubble">
        <p className="sender">
          <b>{message.sender_name}</b> <span className="role" data-role={message.sender_role}>{message.sender_role}</span>
        </p>
        {type === "image" && upload ? (
          <a href={upload.url} target="_blank" rel="noreferrer">
            <Picture upload={upload} />
          </a>
        ) : (
          <p className="text" dir="auto">
            {message.message}
          </p>
        )}
        <time dateTime={message.created_at}>{timeOf(message.created_at)}</time>
        <Reactions message={message} me={me} onReact={onReact} />
      </div>
    </li>
  );
}

// below the last message it would be cut off
const intoSight = (one: HTMLElement | null) => one?.scrollIntoView({ block: "nearest" });

function Reactions({ message, me, onReact }: ItemProps) {
  const [isChoosing, setChoosing] = useState(false);
  const given = Object.entries(message.reactions ?? {});
  if (!onReact && given.length === 0) return null;
  const has = (emoji: string) => !!message.reactions?.[emoji]?.includes(me.name);
  function choose(emoji: string) {
    setChoosing(false);
    onReact?.(message.id, emoji, !has(emoji));
  }
  return (
    <div className="reactions">
      {given.map(([emoji, names]) => (
        <button
          key={emoji}
          type="button"
          className="reaction"
          disabled={!onReact}
          aria-pressed={has(emoji)}
          aria-label={`${emoji} by ${names.join(", ")}`}
          title={names.join(", ")}
          onClick={() => choose(emoji)}
        >
          {emoji} {names.length}
        </button>
      ))}
      {onReact &&
        (isChoosing ? (
          <span className="choice" ref={intoSight} onKeyDown={(event) => event.key === "Escape" && setChoosing(false)}>
            {EMOJIS.map((emoji, index) => (
              <button
                key={emoji}
                type="button"
                autoFocus={index === 0}
                aria-label={`React with ${emoji}`}
                onClick={() => choose(emoji)}
              >
                {emoji}
              </button>
            ))}
          </span>
        ) : (
          <button type="button" className="react" aria-label="React" title="React" onClick={() => setChoosing(true)}>
            <Icon name="smile" />
          </button>
        ))}
    </div>
  );
}

function Picture({ upload }: { upload: Upload }) {
  const scale = Math.min(1, 320 / (upload.width ?? 320), 240 / (upload.height ?? 240));
  const [width, height] = [upload.width, upload.height].map((side) => Math.round((side ?? 0) * scale));
  return <img src={upload.thumbnail_url ?? upload.url} alt={upload.name} width={width} height={height} />;
}

function FileLink({ upload }: { upload: Upload }) {
  return (
    <a className="file" href={upload.url} download={upload.name}>
      <Icon name="file" /> <span>{upload.name}</span> <small>{sizeOf(upload.size)}</small>
    </a>
  );
}

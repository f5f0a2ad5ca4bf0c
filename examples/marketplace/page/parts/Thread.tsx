import { Fragment, useLayoutEffect, useRef } from "react";
import { day, price, time } from "../lib/words";
import type { Account, Conversation, Message } from "../types";
import { otherIn } from "./ConversationList";
import { Tile } from "./Tile";

interface Props {
  me: Account;
  conversation: Conversation;
  messages: Message[];
  online: boolean;
  typing: string;
  onBack: () => void;
  onEarlier: (() => Promise<void>) | null;
}

export function Thread({ me, conversation, messages, online, typing, onBack, onEarlier }: Props) {
  const scroll = useRef<HTMLDivElement>(null);
  const fromBottom = useRef(0);
  const other = otherIn(conversation, me);
  const { listing } = conversation;
  const newest = messages.at(-1)?.id;

  // To the end when something new comes; where one was, when earlier messages are put before.
  useLayoutEffect(() => {
    fromBottom.current = 0;
  }, [newest, typing, conversation.id]);
  useLayoutEffect(() => {
    const box = scroll.current!;
    box.scrollTop = box.scrollHeight - box.clientHeight - fromBottom.current;
  }, [messages, typing]);

  async function earlier() {
    const box = scroll.current!;
    fromBottom.current = box.scrollHeight - box.clientHeight - box.scrollTop;
    await onEarlier!();
  }

  const lastRead = messages.findLast((message) => message.sender_id === me.id && message.read_at)?.id;
  return (
    <>
      <header className="with">
        <button type="button" className="quiet back" onClick={onBack} aria-label="All conversations">‹</button>
        <Tile id={listing.id} category={listing.category} small />
        <div className="who">
          <b id="their-name">{other.name}</b>
          <p id="their-state" data-online={online}>{typing ? "typing…" : online ? "online" : "offline"}</p>
        </div>
        <p className="listing"><b>{listing.title}</b> {price(listing.price_cents)}</p>
      </header>
      <div className="scroll" ref={scroll}>
        {onEarlier && <button type="button" className="quiet earlier" onClick={earlier}>Earlier messages</button>}
        <ol id="messages" aria-live="polite">
          {messages.map((message, index) => {
            const today = day(message.created_at);
            const before = messages[index - 1];
            return (
              <Fragment key={message.id}>
                {(!before || day(before.created_at) !== today) && <li className="day">{today}</li>}
                <li className={message.sender_id === me.id ? "mine" : "theirs"} data-id={message.id}>
                  <div className="bubble">
                    <p>{message.content}</p>
                    <time dateTime={message.created_at}>{time(message.created_at)}</time>
                  </div>
                  {message.id === lastRead && <span className="receipt">Read</span>}
                </li>
              </Fragment>
            );
          })}
        </ol>
        {typing && <p id="typing">{typing} is typing<i /><i /><i /></p>}
      </div>
    </>
  );
}

// What this window knows of its person's conversations, kept true by what Echo hears.
import { ApiError } from "./api.js";
import { connect } from "./live.js";
import { TypingReporter, TypingState } from "./typing.js";

export class Chat {
  online = new Set(); // ids of people
  open = null; // the conversation on show
  status = "connecting";

  constructor(api, { me, conversations, live }, view, { onSignedOut }) {
    this.api = api;
    this.me = me;
    this.view = view;
    this.onSignedOut = onSignedOut;
    this.conversations = conversations.map((one) => this.#conversation(one));
    this.echo = connect(api.base, api.token, live);
    api.socketId = () => this.echo.socketId();
    this.#listen();
  }

  show(conversation) {
    this.open?.reporter.stopped();
    this.open = conversation;
    if (conversation) conversation.unread = 0;
    this.view.showConversation();
  }

  typed() {
    this.open.reporter.touched();
  }

  async send(content) {
    const conversation = this.open;
    conversation.reporter.sent();
    try {
      // The answer is the message as the others hear it. Nobody sends it to this window: see `to_others()`.
      this.#add(conversation, await this.#post(conversation, "messages", { content }));
    } catch (error) {
      this.#failed(error);
      throw error;
    }
  }

  leave() {
    this.#end();
    this.api.delete("/session").catch(() => {});
  }

  // -- what is heard ------------------------------------------------------------------------------------------------

  #listen() {
    this.echo.connector.onConnectionChange((status) => {
      this.status = status;
      // Who is here is known again when the presence channel is.
      if (status !== "connected") this.online.clear();
      this.view.update();
    });
    this.echo
      .join("lobby")
      .here((people) => this.#present(() => (this.online = new Set(people.map(({ id }) => id)))))
      .joining(({ id }) => this.#present(() => this.online.add(id)))
      .leaving(({ id }) => this.#present(() => this.online.delete(id)))
      .error((error) => this.#refused(error));
    for (const conversation of this.conversations) this.#follow(conversation);
  }

  #follow(conversation) {
    this.echo
      .private(`conversation.${conversation.id}`)
      .listen(".message.sent", (message) => this.#add(conversation, message))
      .listen(".user.typing", ({ typing }) => conversation.typing.heard(typing))
      // Also after each lost connection: what was missed in between is in the history, and nothing comes twice.
      .subscribed(() => this.#catchUp(conversation))
      .error((error) => this.#refused(error));
  }

  async #catchUp(conversation) {
    try {
      const messages = await this.api.get(`/conversations/${conversation.id}/messages`);
      for (const message of messages) this.#add(conversation, message);
    } catch (error) {
      this.#failed(error);
    }
  }

  #present(change) {
    change();
    this.view.update();
  }

  #add(conversation, message) {
    const { messages, typing } = conversation;
    if (messages.some(({ id }) => id === message.id)) return;
    messages.push(message);
    messages.sort((one, other) => one.id - other.id);
    const theirs = message.sender_id !== this.me.id;
    if (theirs) typing.heard(false);
    if (theirs && conversation !== this.open && message.id > conversation.seen) conversation.unread += 1;
    if (conversation === this.open) this.view.addMessage(message);
    this.view.update();
  }

  // -- details ------------------------------------------------------------------------------------------------------

  #conversation({ id, person, messages }) {
    // What was there before this window counts as seen.
    const seen = messages.at(-1)?.id ?? 0;
    const conversation = { id, person, messages, seen, unread: 0 };
    conversation.typing = new TypingState(() => this.view.update());
    conversation.reporter = new TypingReporter((typing) => this.#post(conversation, "typing", { typing }));
    return conversation;
  }

  #post(conversation, what, body) {
    return this.api.post(`/conversations/${conversation.id}/${what}`, body);
  }

  #refused({ status }) {
    if (status === 401) this.#end();
    else this.view.trouble("This page may not listen here.");
  }

  #failed(error) {
    if (error instanceof ApiError && error.status === 401) this.#end();
    else this.view.trouble(`That did not work: ${error.message}`);
  }

  #end() {
    this.echo.disconnect();
    this.onSignedOut();
  }
}

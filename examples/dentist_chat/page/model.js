// What this window knows of its user's consultations, kept true by what pusher-js hears: on the user's own channel
// what concerns him anywhere, on the channel of the conversation on show what happens there, and on presence channels
// whether the others have theirs open.
import { UNAUTHORIZED, toSignIn } from "./api.js";
import { comeBack, connect, onStatus } from "./live.js";
import { TypingReporter, TypingState } from "./typing.js";

const WATCHED = 50; // consultations at the start, the newest: each is one more subscription
const COMINGS_AND_GOINGS = ["pusher:subscription_succeeded", "pusher:member_added", "pusher:member_removed"];

export class Chat {
  open = null; // the consultation on show
  status = "connecting";
  left = false; // somebody signs out here

  constructor(api, { me, consultations, live }, view) {
    this.api = api;
    this.me = me;
    this.view = view;
    this.consultations = consultations.map((one) => this.#consultation(one));
    this.pusher = connect(live, api.csrfToken);
    api.socketId = () => this.pusher.connection.socket_id;
    this.#listen();
  }

  find(id) {
    return this.consultations.find((one) => one.id === id) ?? null;
  }

  get mayTalk() {
    return this.me.role !== "admin";
  }

  async show(consultation) {
    if (this.open) this.#leave(this.open);
    this.open = consultation;
    this.view.showConversation();
    if (!consultation) return;
    this.#follow(consultation);
    await this.#tried(() => this.#catchUp(consultation));
  }

  typed() {
    this.open.reporter.touched();
  }

  // The answer is the message as the others hear it. Nobody sends it to this window: see `to_others()`.
  async send(text, file) {
    const consultation = this.open;
    await consultation.reporter.sent();
    const sent = await this.#tried(() => this.api.post(path(consultation, "message"), written(text, file)));
    if (sent) this.#add(consultation, sent);
    return sent !== undefined;
  }

  // Somebody looks at the open conversation: what he was sent is read now.
  async read() {
    const consultation = this.open;
    if (!consultation || document.visibilityState !== "visible") return;
    const unread = consultation.messages.filter((one) => this.#isUnread(one));
    if (!unread.length && !consultation.unread) return;
    consultation.unread = 0;
    for (const message of unread) message.is_read = true;
    this.view.update();
    // all that there are, also on earlier pages
    await this.#tried(() => this.api.post(path(consultation, "read"), {}));
  }

  async earlier() {
    const { open } = this;
    await this.#tried(async () => {
      const { data, last_page } = await this.api.get(`${path(open, "messages")}?page=${open.page + 1}`);
      open.page += 1;
      open.lastPage = last_page;
      for (const message of data) this.#add(open, message);
      this.view.update();
    });
  }

  // The server ends this connection, too, when the form that signs out arrives: nobody is to be told of that.
  leave() {
    this.left = true;
    this.pusher.disconnect();
  }

  submitPlan(summary) {
    return this.#plan(this.open, "plans", { summary });
  }

  acceptPlan(plan) {
    return this.#plan(this.open, `plans/${plan.id}/accept`, {});
  }

  // -- what is heard ------------------------------------------------------------------------------------------------

  #listen() {
    comeBack(this.pusher, async () => !this.left && this.api.isSignedIn());
    onStatus(this.pusher, (status) => {
      if (this.left) return;
      this.status = status;
      // Who is here is known again when the presence channels are.
      if (status !== "connected") for (const consultation of this.consultations) consultation.here = false;
      this.view.update();
    });
    this.#subscribe(`private-user.${this.me.id}`)
      .bind("message.sent", (message) => this.#sentToMe(message))
      .bind("plan.submitted", (plan) => this.#planHeard(plan, "submitted a treatment plan"))
      .bind("plan.accepted", (plan) => this.#planHeard(plan, "accepted your treatment plan"))
      // Also after each lost connection: what was missed in between is in the list.
      .bind("pusher:subscription_succeeded", () => this.mayTalk && this.#tried(() => this.#refresh()));
    if (this.mayTalk) for (const consultation of this.consultations.slice(0, WATCHED)) this.#watch(consultation);
  }

  // Tells whether the other has it open, also while this window has not.
  #watch(consultation) {
    if (consultation.watched) return;
    consultation.watched = true;
    const { person } = consultation;
    const channel = this.#subscribe(presence(consultation, person));
    const look = () => {
      consultation.here = channel.members.get(person.id) !== null;
      this.view.update();
    };
    for (const event of COMINGS_AND_GOINGS) channel.bind(event, look);
  }

  #follow(consultation) {
    this.#watch(consultation);
    this.#subscribe(presence(consultation, this.me)); // the other is told that it is open here
    this.#subscribe(channel(consultation))
      .bind("message.sent", (message) => this.#heard(consultation, message))
      .bind("messages.read", (receipt) => this.#wasRead(consultation, receipt))
      .bind("user.typing", ({ typing }) => consultation.typing.heard(typing))
      // What was missed is in the history, and nothing comes twice.
      .bind("pusher:subscription_succeeded", () => this.#tried(() => this.#catchUp(consultation)));
  }

  #leave(consultation) {
    consultation.reporter.stopped();
    consultation.typing.heard(false);
    this.pusher.unsubscribe(channel(consultation));
    this.pusher.unsubscribe(presence(consultation, this.me));
  }

  #subscribe(name) {
    return this.pusher.subscribe(name).bind("pusher:subscription_error", ({ status }) => {
      if (status === UNAUTHORIZED) toSignIn();
      else this.view.trouble("This page may not listen here: reload it.");
    });
  }

  async #sentToMe(message) {
    const { conversation_id, sender, content, attachments } = message;
    if (!this.find(conversation_id)) await this.#tried(() => this.#refresh());
    const consultation = this.find(conversation_id);
    if (!consultation) return;
    this.#heard(consultation, message);
    if (consultation === this.open && document.visibilityState === "visible") return;
    this.view.notify(consultation, sender.name, content || attachments[0]?.name || "");
  }

  #heard(consultation, message) {
    consultation.typing.heard(false);
    const isNew = this.#add(consultation, message);
    if (isNew && this.#isUnread(message)) consultation.unread += 1;
    this.view.update();
    if (consultation === this.open) this.read();
  }

  #wasRead(consultation, { reader_id, message_ids }) {
    const read = new Set(message_ids);
    for (const message of consultation.messages) if (read.has(message.id)) message.is_read = true;
    // in another window of one's own
    if (reader_id === this.me.id) consultation.unread = 0;
    this.view.receipts(consultation);
    this.view.update();
  }

  #planHeard({ plan_id, consultation_id, summary, status, submitted_at, accepted_at }, what) {
    const consultation = this.find(consultation_id);
    if (!consultation) return;
    const known = consultation.plans.find(({ id }) => id === plan_id) ?? {};
    this.#keep(consultation, { ...known, id: plan_id, summary, status, submitted_at, accepted_at });
    this.view.notify(consultation, `${consultation.person.name} ${what}`, summary);
  }

  // -- details ------------------------------------------------------------------------------------------------------

  #consultation({ id, subject, patient, doctor, unread_count, last_message }) {
    const person = this.me.role === "doctor" ? patient : doctor;
    const consultation = { id, subject, patient, doctor, person, unread: unread_count, plans: [], page: 1, lastPage: 1 };
    consultation.here = consultation.watched = false;
    consultation.messages = last_message ? [last_message] : [];
    consultation.typing = new TypingState(() => this.view.update());
    consultation.reporter = new TypingReporter((typing) => this.api.post(path(consultation, "typing"), { typing }));
    return consultation;
  }

  async #refresh() {
    const whose = this.me.role === "doctor" ? this.me.id : `patient/${this.me.id}`;
    for (const listed of await this.api.get(`/api/v2/consultations/${whose}`)) {
      const known = this.find(listed.id);
      if (!known) this.#begun(this.#consultation(listed));
      else if (known !== this.open) known.unread = listed.unread_count;
      // of the open one the history will tell, with what is between
      if (known && known !== this.open && listed.last_message) this.#add(known, listed.last_message);
    }
    this.view.update();
  }

  #begun(consultation) {
    this.consultations.push(consultation);
    this.#watch(consultation);
  }

  async #catchUp(consultation) {
    const [{ data, last_page }, plans] = await Promise.all([
      this.api.get(path(consultation, "messages")),
      this.api.get(path(consultation, "plans")),
    ]);
    consultation.lastPage = Math.max(last_page, consultation.page);
    for (const plan of plans) this.#keep(consultation, plan);
    for (const message of data) this.#add(consultation, message);
    this.view.update();
    if (consultation === this.open) await this.read();
  }

  #isUnread(message) {
    return message.sender_id !== this.me.id && !message.is_read;
  }

  // Returns whether the message was not known yet.
  #add(consultation, message) {
    const { messages } = consultation;
    const known = messages.find(({ id }) => id === message.id);
    if (known) {
      known.is_read ||= message.is_read;
      this.view.receipts(consultation);
      return false;
    }
    messages.push(message);
    messages.sort((one, other) => one.id - other.id);
    if (consultation === this.open) this.view.addMessage(message);
    this.view.update();
    return true;
  }

  #keep(consultation, plan) {
    consultation.plans = [...consultation.plans.filter(({ id }) => id !== plan.id), plan].sort((a, b) => a.id - b.id);
    this.view.update();
  }

  async #plan(consultation, what, body) {
    const plan = await this.#tried(() => this.api.post(path(consultation, what), body));
    if (plan) this.#keep(consultation, plan);
  }

  async #tried(step) {
    try {
      return await step();
    } catch (error) {
      this.view.trouble(`That did not work: ${error.message}`);
      return undefined;
    }
  }
}

function path(consultation, what) {
  return `/chat/conversation/${consultation.id}/${what}`;
}

function channel(consultation) {
  return `private-conversation.${consultation.id}`;
}

// Where this user is while he has it open.
function presence(consultation, { id }) {
  return `presence-consultation.${consultation.id}.${id}`;
}

function written(text, file) {
  if (!file) return { message: text, type: "text" };
  const form = new FormData();
  form.set("message", text);
  form.set("type", file.type.startsWith("image/") ? "image" : "file");
  form.set("attachment", file);
  return form;
}

// The page itself. What people write only ever becomes text: there is no HTML made from strings here.
import { messageItem, labelDay, paintAvatar, planItem, showReceipt } from "./parts.js";

const WIDE = matchMedia("(min-width: 44rem)");
const TROUBLE_SHOWN = 6_000;
const NOTICE_SHOWN = 15_000;
const HERE = "here now"; // has this conversation open
const STATUS = { connected: "Connected", connecting: "Connecting…", disconnected: "Offline, trying again…" };

export class View {
  #chat = null;
  #troubleTimer = null;

  // `go` follows a link inside the page.
  constructor(root, go) {
    this.$ = (id) => root.getElementById(id);
    this.go = go;
    root.addEventListener("click", (event) => this.#followLink(event));
  }

  begin(chat) {
    this.#chat = chat;
    paintAvatar(this.$("my-avatar"), chat.me);
    this.$("my-name").textContent = chat.me.name;
    this.$("my-role").textContent = chat.me.role;
    this.$("nothing").textContent = nothing(chat);
    this.#composer();
    this.#planDialog();
    this.$("earlier").addEventListener("click", () => chat.earlier());
    this.$("sign-out").addEventListener("submit", () => chat.leave());
    this.#staysAtEnd();
    this.update();
  }

  trouble(text) {
    const trouble = this.$("trouble");
    trouble.textContent = text;
    trouble.hidden = false;
    clearTimeout(this.#troubleTimer);
    this.#troubleTimer = setTimeout(() => (trouble.hidden = true), TROUBLE_SHOWN);
  }

  notify(consultation, title, text) {
    const item = document.createElement("li");
    const link = document.createElement("a");
    link.href = address(consultation);
    const [head, body] = [document.createElement("b"), document.createElement("span")];
    head.textContent = title;
    body.textContent = text;
    link.append(head, body);
    item.append(link);
    this.$("notices").append(item);
    link.addEventListener("click", () => item.remove());
    setTimeout(() => item.remove(), NOTICE_SHOWN);
  }

  // Everything but the messages, which are added one by one.
  update() {
    const chat = this.#chat;
    if (!chat) return;
    this.$("status").textContent = STATUS[chat.status];
    this.$("status").dataset.status = chat.status;
    this.#orderRows();
    for (const consultation of chat.consultations) this.#updateRow(consultation);
    if (chat.open) this.#updateConversation(chat.open);
    const unread = chat.consultations.reduce((sum, one) => sum + one.unread, 0);
    document.title = `${unread ? `(${unread}) ` : ""}${chat.open?.person.name ?? chat.me.name} · AskDentist`;
  }

  showConversation() {
    const { open, me } = this.#chat;
    this.$("chat").classList.toggle("open", open !== null);
    this.$("messages").replaceChildren();
    this.$("text").value = "";
    this.#attach(null);
    this.update();
    if (!open) return;
    paintAvatar(this.$("their-avatar"), open.person);
    this.$("their-name").textContent = open.person.name;
    this.$("new-plan").hidden = me.role !== "doctor";
    this.$("text").placeholder = `Write to ${open.person.name}`;
    for (const message of open.messages) this.addMessage(message);
    if (WIDE.matches) this.$("text").focus();
  }

  addMessage(message) {
    const list = this.$("messages");
    const item = messageItem(this.#copy("message-template"), message, this.#chat.me);
    const following = [...list.children].find((other) => Number(other.dataset.id) > message.id) ?? null;
    list.insertBefore(item, following);
    labelDay(item);
    if (following) labelDay(following);
    else this.#toEnd();
  }

  receipts(consultation) {
    if (consultation !== this.#chat.open) return;
    for (const item of this.$("messages").children) {
      const message = consultation.messages.find(({ id }) => id === Number(item.dataset.id));
      showReceipt(item, message, this.#chat.me);
    }
  }

  // -- parts --------------------------------------------------------------------------------------------------------

  #row(consultation) {
    const item = this.#copy("consultation-template");
    const { me, mayTalk } = this.#chat;
    item.dataset.id = consultation.id;
    if (mayTalk) item.querySelector("a").href = address(consultation);
    paintAvatar(item.querySelector(".avatar"), consultation.person);
    const { patient, doctor, person } = consultation;
    item.querySelector("b").textContent = me.role === "admin" ? `${patient.name} and ${doctor.name}` : person.name;
    return item;
  }

  // The one with the newest message first; rows are made when there is something new to show.
  #orderRows() {
    const list = this.$("consultations");
    const rows = new Map([...list.children].map((row) => [Number(row.dataset.id), row]));
    const { consultations, mayTalk } = this.#chat;
    const newest = ({ messages }) => messages.at(-1)?.id ?? 0;
    const ordered = mayTalk ? consultations.toSorted((one, other) => newest(other) - newest(one)) : consultations;
    const wanted = ordered.map((one) => rows.get(one.id) ?? this.#row(one));
    if (wanted.some((row, index) => row !== list.children[index])) list.replaceChildren(...wanted);
  }

  #updateRow({ id, subject, messages, unread, typing, here }) {
    const { me, open } = this.#chat;
    const item = this.$("consultations").querySelector(`[data-id="${id}"]`);
    const last = messages.at(-1);
    const said = last ? `${last.sender_id === me.id ? "You: " : ""}${last.content || last.attachments[0]?.name}` : subject;
    item.querySelector(".preview").textContent = typing.active ? "typing…" : said;
    item.classList.toggle("typing", typing.active);
    item.classList.toggle("here", here);
    item.querySelector(".now").textContent = here ? HERE : "";
    item.querySelector(".unread").textContent = unread || "";
    item.querySelector("a").setAttribute("aria-current", String(id === open?.id));
  }

  #updateConversation({ subject, person, typing, here, plans, page, lastPage }) {
    this.$("here").textContent = here ? HERE : "";
    // on a phone the list, with the status above it, is out of sight
    const state = this.#chat.status === "connected" ? subject : STATUS[this.#chat.status];
    this.$("subject").textContent = typing.active ? "typing…" : state;
    this.$("earlier").hidden = page >= lastPage;
    const items = plans.map((plan) =>
      planItem(this.#copy("plan-template"), plan, this.#chat.me, () => this.#chat.acceptPlan(plan)),
    );
    this.$("plans").replaceChildren(...items);
    if (this.$("typing").hidden !== typing.active) return;
    this.$("typing").hidden = !typing.active;
    this.$("typing").querySelector("span").textContent = typing.active ? `${person.name} is typing` : "";
    this.#toEnd();
  }

  #composer() {
    const [text, form, file] = ["text", "composer", "file"].map(this.$);
    text.addEventListener("input", () => text.value.trim() && this.#chat.typed());
    text.addEventListener("keydown", (event) => {
      // Not the Enter that ends the composition of, say, a Japanese word.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      form.requestSubmit();
    });
    file.addEventListener("change", () => this.#attach(file.files[0] ?? null));
    this.$("attached").querySelector("button").addEventListener("click", () => this.#attach(null));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const [content, attached] = [text.value.trim(), file.files[0] ?? null];
      if (!content && !attached) return;
      text.value = "";
      this.#attach(null);
      text.focus();
      // What could not be sent is written still, unless something else is by now.
      if (!(await this.#chat.send(content, attached))) text.value ||= content;
    });
  }

  #attach(file) {
    if (!file) this.$("file").value = "";
    this.$("attached").hidden = !file;
    this.$("attached").querySelector("span").textContent = file?.name ?? "";
  }

  #planDialog() {
    const dialog = this.$("plan-dialog");
    this.$("new-plan").addEventListener("click", () => dialog.showModal());
    dialog.addEventListener("close", () => {
      const summary = this.$("summary").value.trim();
      this.$("summary").value = "";
      if (dialog.returnValue === "submit" && summary) this.#chat.submitPlan(summary);
      dialog.returnValue = "";
    });
  }

  #followLink(event) {
    const link = event.target.closest?.("a[href^='/chat']");
    if (!link || link.target || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    this.go(link.getAttribute("href"));
  }

  #toEnd() {
    const scroll = this.$("messages").parentElement;
    scroll.scrollTop = scroll.scrollHeight;
  }

  // Whoever looks at the newest message still does when a plan appears below it, or an image in it has been loaded.
  #staysAtEnd() {
    const scroll = this.$("messages").parentElement;
    let atEnd = true;
    scroll.addEventListener("scroll", () => {
      atEnd = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 60;
    });
    const observer = new ResizeObserver(() => atEnd && this.#toEnd());
    observer.observe(scroll);
    observer.observe(this.$("messages"));
  }

  #copy(template) {
    return this.$(template).content.firstElementChild.cloneNode(true);
  }
}

function address(consultation) {
  return `/chat/conversation/${consultation.id}`;
}

function nothing({ me, consultations }) {
  if (me.role === "admin") return "Administrators see who talks with whom. What is said there is theirs alone.";
  return consultations.length ? "Choose a consultation." : "You have no consultations yet.";
}

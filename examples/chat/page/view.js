// The page itself. What people write only ever becomes text: there is no HTML made from strings here.
const WIDE = matchMedia("(min-width: 40rem)");
const TROUBLE_SHOWN = 6_000;
const STATUS = {
  connected: "Connected",
  connecting: "Connecting…",
  disconnected: "Not connected",
  failed: "Offline, trying again…",
};

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const date = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });

export class View {
  #chat = null;
  #troubleTimer = null;

  constructor(root) {
    this.$ = (id) => root.getElementById(id);
    this.$("leave").addEventListener("click", () => this.#chat.leave());
    this.$("back").addEventListener("click", () => this.#chat.show(null));
    this.#composer();
  }

  trouble(text) {
    const trouble = this.$("trouble");
    trouble.textContent = text;
    trouble.hidden = false;
    clearTimeout(this.#troubleTimer);
    this.#troubleTimer = setTimeout(() => (trouble.hidden = true), TROUBLE_SHOWN);
  }

  // -- choosing who to be -------------------------------------------------------------------------------------------

  showPeople(people, onChosen) {
    this.#chat = null;
    document.title = "Chat";
    this.$("people").replaceChildren(
      ...people.map((person) => {
        const item = this.#copy("person-template");
        paintAvatar(item.querySelector(".avatar"), person);
        item.querySelector("b").textContent = person.name;
        item.querySelector("button").addEventListener("click", () => {
          onChosen(person).catch((error) => this.trouble(`That did not work: ${error.message}`));
        });
        return item;
      }),
    );
    this.#only("choose");
  }

  // -- the chat -----------------------------------------------------------------------------------------------------

  showChat(chat) {
    this.#chat = chat;
    paintAvatar(this.$("my-avatar"), chat.me);
    this.$("my-name").textContent = chat.me.name;
    this.$("conversations").replaceChildren(...chat.conversations.map((one) => this.#conversationItem(one)));
    this.#only("chat");
    // On a phone one sees either the list or a conversation.
    chat.show(WIDE.matches ? chat.conversations[0] : null);
  }

  // Everything but the messages, which are added one by one.
  update() {
    if (!this.#chat) return;
    const { me, open, conversations, online, status } = this.#chat;
    this.$("status").textContent = STATUS[status];
    this.$("status").dataset.status = status;
    this.$("here").textContent = online.size ? `${online.size} here now` : "";
    for (const conversation of conversations) this.#updateItem(conversation);
    if (open) this.#updateHeader(open);
    const unread = conversations.reduce((sum, one) => sum + one.unread, 0);
    document.title = `${unread ? `(${unread}) ` : ""}${me.name} · Chat`;
  }

  showConversation() {
    const { open } = this.#chat;
    this.$("chat").classList.toggle("open", open !== null);
    this.$("messages").replaceChildren();
    this.$("text").value = "";
    this.update();
    if (!open) return;
    paintAvatar(this.$("their-avatar"), open.person);
    this.$("their-name").textContent = open.person.name;
    this.$("text").placeholder = `Write to ${open.person.name}`;
    for (const message of open.messages) this.addMessage(message, { old: true });
    if (WIDE.matches) this.$("text").focus();
  }

  addMessage(message, { old = false } = {}) {
    const list = this.$("messages");
    const item = this.#messageItem(message);
    item.classList.toggle("old", old || message.id <= this.#chat.open.seen);
    const following = [...list.children].find((other) => Number(other.dataset.id) > message.id) ?? null;
    list.insertBefore(item, following);
    labelDay(item);
    if (following) labelDay(following);
    this.#toEnd();
  }

  // -- parts --------------------------------------------------------------------------------------------------------

  #conversationItem(conversation) {
    const item = this.#copy("conversation-template");
    item.dataset.id = conversation.id;
    paintAvatar(item.querySelector(".avatar"), conversation.person);
    item.querySelector("b").textContent = conversation.person.name;
    item.querySelector("button").addEventListener("click", () => this.#chat.show(conversation));
    return item;
  }

  #updateItem(conversation) {
    const { me, open, online } = this.#chat;
    const { id, person, messages, unread, typing } = conversation;
    const item = this.$("conversations").querySelector(`[data-id="${id}"]`);
    const last = messages.at(-1);
    const said = last ? `${last.sender_id === me.id ? "You: " : ""}${last.content}` : "Nothing said yet";
    item.querySelector(".avatar").classList.toggle("online", online.has(person.id));
    item.querySelector(".preview").textContent = typing.active ? "typing…" : said;
    item.classList.toggle("typing", typing.active);
    item.querySelector(".unread").textContent = unread || "";
    item.querySelector("button").setAttribute("aria-current", String(conversation === open));
  }

  #updateHeader({ person, typing }) {
    const online = this.#chat.online.has(person.id);
    this.$("their-avatar").classList.toggle("online", online);
    this.$("their-state").textContent = typing.active ? "typing…" : online ? "here now" : "not here";
    if (this.$("typing").hidden !== typing.active) return;
    this.$("typing").hidden = !typing.active;
    this.$("typing").querySelector("span").textContent = typing.active ? `${person.name} is typing` : "";
    this.#toEnd();
  }

  #messageItem(message) {
    const item = this.#copy("message-template");
    const when = new Date(message.created_at);
    item.dataset.id = message.id;
    item.dataset.day = date.format(when);
    item.className = message.sender_id === this.#chat.me.id ? "mine" : "theirs";
    item.querySelector("p").textContent = message.content;
    item.querySelector("time").textContent = clock.format(when);
    item.querySelector("time").dateTime = message.created_at;
    return item;
  }

  #composer() {
    const text = this.$("text");
    const form = this.$("composer");
    text.addEventListener("input", () => text.value.trim() && this.#chat.typed());
    text.addEventListener("keydown", (event) => {
      // Not the Enter that ends the composition of, say, a Japanese word.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      form.requestSubmit();
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const content = text.value.trim();
      if (!content) return;
      text.value = "";
      text.focus();
      // What could not be sent is written still, unless something else is by now.
      this.#chat.send(content).catch(() => (text.value ||= content));
    });
  }

  #toEnd() {
    const scroll = this.$("messages").parentElement;
    scroll.scrollTop = scroll.scrollHeight;
  }

  #only(id) {
    for (const main of document.querySelectorAll("main")) main.hidden = main.id !== id;
  }

  #copy(template) {
    return this.$(template).content.firstElementChild.cloneNode(true);
  }
}

function paintAvatar(element, { id, name }) {
  element.textContent = name.slice(0, 1);
  // Steps of the golden angle: neighbors never look alike, however many there are.
  element.style.setProperty("--hue", String((id * 137.5 + 240) % 360));
}

function labelDay(item) {
  const { day } = item.dataset;
  const same = item.previousElementSibling?.dataset.day === day;
  item.querySelector(".day").textContent = same ? "" : day === date.format(new Date()) ? "Today" : day;
}

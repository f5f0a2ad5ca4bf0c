// Single things on the page: a message, a plan, an avatar.
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const date = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });

export function messageItem(item, message, me) {
  const when = new Date(message.created_at);
  item.dataset.id = message.id;
  item.dataset.day = date.format(when);
  item.className = message.sender_id === me.id ? "mine" : "theirs";
  const text = item.querySelector("p");
  text.textContent = message.content;
  text.hidden = !message.content;
  item.querySelector(".files").replaceChildren(...message.attachments.map(attachment));
  item.querySelector("time").textContent = clock.format(when);
  item.querySelector("time").dateTime = message.created_at;
  showReceipt(item, message, me);
  return item;
}

export function showReceipt(item, message, me) {
  if (message.sender_id !== me.id) return;
  item.querySelector(".receipt").textContent = message.is_read ? "✓✓ Read" : "✓ Sent";
  item.querySelector(".receipt").dataset.read = message.is_read;
}

export function planItem(item, { id, summary, status }, me, accept) {
  const accepted = status === "accepted";
  item.dataset.id = id;
  item.dataset.status = status;
  item.querySelector("b").textContent = accepted ? "Treatment plan, accepted" : "Treatment plan";
  item.querySelector("p").textContent = summary;
  const button = item.querySelector("button");
  button.hidden = accepted || me.role !== "patient";
  button.addEventListener("click", accept, { once: true });
  return item;
}

export function paintAvatar(element, { id, name }) {
  element.textContent = name.replace(/^Dr\.\s*/, "").slice(0, 1);
  // Steps of the golden angle: neighbors never look alike, however many there are.
  element.style.setProperty("--hue", String((id * 137.5 + 40) % 360));
}

export function labelDay(item) {
  const { day } = item.dataset;
  const same = item.previousElementSibling?.dataset.day === day;
  item.querySelector(".day").textContent = same ? "" : day === date.format(new Date()) ? "Today" : day;
}

function attachment({ name, media_type, size, url }) {
  const link = document.createElement("a");
  link.href = url;
  link.target = "_blank";
  link.rel = "noopener";
  if (media_type.startsWith("image/")) {
    const image = document.createElement("img");
    image.src = url;
    image.alt = name;
    link.append(image);
  } else {
    link.textContent = `${name} · ${kilobytes(size)}`;
  }
  return link;
}

function kilobytes(size) {
  return `${Math.max(1, Math.round(size / 1024))} KB`;
}

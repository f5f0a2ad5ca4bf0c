// The npm package `pusher`, as fast as it goes: reads "callers events" lines, writes "seconds cpu" lines.
import { createInterface } from "node:readline";
import Pusher from "pusher";

const [port, key, secret, appId, channel, name, plain] = process.argv.slice(2);
const payload = JSON.parse(plain);
const pusher = new Pusher({ appId, key, secret, host: "127.0.0.1", port, useTLS: false });

async function caller(events) {
  for (let sent = 0; sent < events; sent += 1) {
    await pusher.trigger(channel, name, payload);
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const [callers, events] = line.split(" ").map(Number);
  const began = process.hrtime.bigint();
  const before = process.cpuUsage();
  await Promise.all(Array.from({ length: callers }, () => caller(events / callers)));
  const used = process.cpuUsage(before);
  const seconds = Number(process.hrtime.bigint() - began) / 1e9;
  console.log(`${seconds} ${(used.user + used.system) / 1e6}`);
}

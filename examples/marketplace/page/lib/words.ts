const money = new Intl.NumberFormat(undefined, { style: "currency", currency: "EUR" });
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const date = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });

export const price = (cents: number): string => money.format(cents / 100);
export const time = (moment: string): string => clock.format(new Date(moment));

export function day(moment: string): string {
  const text = date.format(new Date(moment));
  return text === date.format(new Date()) ? "Today" : text;
}

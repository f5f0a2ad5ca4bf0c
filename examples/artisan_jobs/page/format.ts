const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const date = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });

export const time = (text: string) => clock.format(new Date(text));
export const naira = (amount: number) => `₦${amount.toLocaleString("en")}`;
export const words = (text: string) => text.replaceAll("_", " ").replaceAll("-", " ");

// The time of today, else the day.
export function when(text: string): string {
  const then = new Date(text);
  return then.toDateString() === new Date().toDateString() ? clock.format(then) : date.format(then);
}

// A short tone, once somebody has touched the page: before that, browsers allow none.
export function playNotificationSound(): void {
  if (!navigator.userActivation?.hasBeenActive) return;
  const audio = new AudioContext();
  const tone = audio.createOscillator();
  const volume = audio.createGain();
  volume.gain.setValueAtTime(0.06, audio.currentTime);
  volume.gain.exponentialRampToValueAtTime(0.001, audio.currentTime + 0.25);
  tone.frequency.value = 880;
  tone.connect(volume).connect(audio.destination);
  tone.onended = () => void audio.close();
  tone.start();
  tone.stop(audio.currentTime + 0.25);
}

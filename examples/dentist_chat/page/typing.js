// Telling the other that one types, and believing it of the other: both end by themselves.
const REPEAT = 3_000;
const IDLE = 2_500;
const BELIEVED = 6_000;

export class TypingReporter {
  #since = 0; // when the other was last told, 0 while not typing
  #idle = null;
  #sending = Promise.resolve();

  constructor(send) {
    this.send = send;
  }

  // For each change of the text.
  touched() {
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.stopped(), IDLE);
    if (Date.now() - this.#since < REPEAT) return;
    this.#since = Date.now();
    this.#tell(true);
  }

  stopped() {
    if (this.#since) this.#tell(false);
    this.sent();
  }

  // The message itself says that its author has stopped. It goes out after what was told of typing: await this.
  sent() {
    clearTimeout(this.#idle);
    this.#since = 0;
    return this.#sending;
  }

  #tell(typing) {
    // One after another: two requests at once could arrive the other way round. A lost one matters to nobody.
    this.#sending = this.#sending.then(() => this.send(typing)).catch(() => {});
  }
}

// Whether somebody types, as last heard; a "stopped" may get lost.
export class TypingState {
  active = false;
  #timer = null;

  constructor(changed) {
    this.changed = changed;
  }

  heard(typing) {
    clearTimeout(this.#timer);
    if (typing) this.#timer = setTimeout(() => this.heard(false), BELIEVED);
    if (typing === this.active) return;
    this.active = typing;
    this.changed();
  }
}

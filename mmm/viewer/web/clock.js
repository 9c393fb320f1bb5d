// The playhead's clock. While sound plays, it extrapolates WebAudio's output timestamp by
// performance.now(). This jitters by 0.07 ms; the currentTime of an <audio> element is off by up to
// 92 ms. Without sound the clock is performance.now().

const LEAD_S = 0.04; // sound is scheduled this far ahead, so that its first sample is on time

class Clock {
  constructor(duration) {
    this.duration = duration;
    this.rate = 1;
    this.loop = true;
    this.playing = false;
    this.at = 0; // seconds into the clip at `since`
    this.since = 0; // performance.now() of that moment, seconds
    this.context = null;
    this.source = null;
    this.buffer = null;
    this.soundWanted = false;
  }

  setDuration(duration) {
    this.at = Math.min(this.now(), duration);
    this.duration = duration;
    this.restart();
  }

  /** Decodes a sound, which needs no user gesture. It is cut or padded to the clip's length, so that
   *  loops are seamless. */
  async load(bytes) {
    const decoder = new OfflineAudioContext(2, 1, 44100);
    const sound = await decoder.decodeAudioData(bytes.slice().buffer);
    const length = Math.max(1, Math.round(this.duration * sound.sampleRate));
    const fitted = new AudioBuffer({
      length,
      numberOfChannels: sound.numberOfChannels,
      sampleRate: sound.sampleRate,
    });
    for (let c = 0; c < sound.numberOfChannels; c++) {
      fitted.copyToChannel(sound.getChannelData(c).subarray(0, length), c);
    }
    this.buffer = fitted;
    if (this.playing && this.soundWanted) this.restart();
    return fitted;
  }

  get sounding() {
    return Boolean(this.source && this.context && this.context.state === "running");
  }

  /** Turns the sound on (needs a user gesture the first time) or off. */
  async setSound(on) {
    this.soundWanted = on;
    if (on && !this.context) {
      this.context = new AudioContext({ latencyHint: "interactive" });
      this.context.addEventListener("statechange", () => this.restart());
    }
    if (on && this.context.state !== "running") await this.context.resume().catch(() => {});
    this.restart();
  }

  // Both read the position first, because it is computed from what they change.
  setRate(rate) {
    this.at = this.now();
    this.rate = rate;
    this.restart(false);
  }

  setLoop(loop) {
    this.at = this.now();
    this.loop = loop;
    this.restart(false);
  }

  play() {
    if (this.playing) return;
    if (!this.loop && this.at >= this.duration - 1e-3) this.at = 0;
    this.playing = true;
    this.restart(false);
  }

  pause() {
    if (!this.playing) return;
    this.at = this.now();
    this.playing = false;
    this.silence();
  }

  seek(seconds) {
    this.at = clamp(seconds, 0, this.duration);
    if (this.playing) this.restart(false);
  }

  /** The position in the clip that is heard now (or would be, with sound), seconds. */
  now() {
    if (!this.playing) return this.at;
    let passed = performance.now() / 1000 - this.since;
    if (this.sounding) {
      const stamp = this.context.getOutputTimestamp ? this.context.getOutputTimestamp() : null;
      const heardAt =
        stamp && stamp.performanceTime
          ? stamp.contextTime + (performance.now() - stamp.performanceTime) / 1000
          : this.context.currentTime - (this.context.outputLatency || 0);
      passed = Math.max(0, heardAt - this.started);
    }
    const at = this.at + passed * this.rate;
    if (this.loop) return at % this.duration;
    return Math.min(at, this.duration);
  }

  /** True once, when a clip that does not loop ends. */
  ended() {
    return this.playing && !this.loop && this.now() >= this.duration - 1e-4;
  }

  silence() {
    if (!this.source) return;
    this.source.onended = null;
    try {
      this.source.stop();
    } catch {
      /* it was never started */
    }
    this.source.disconnect();
    this.source = null;
  }

  restart(keep = true) {
    if (keep && this.playing) this.at = this.now();
    this.silence();
    this.since = performance.now() / 1000;
    if (
      !this.playing ||
      !this.soundWanted ||
      !this.buffer ||
      !this.context ||
      this.context.state !== "running"
    )
      return;
    const source = new AudioBufferSourceNode(this.context, {
      buffer: this.buffer,
      playbackRate: this.rate,
      loop: this.loop,
      loopStart: 0,
      loopEnd: this.buffer.duration,
    });
    source.connect(this.context.destination);
    this.started = this.context.currentTime + LEAD_S;
    source.start(this.started, Math.min(this.at, this.buffer.duration));
    this.source = source;
  }

  close() {
    this.playing = false;
    this.silence();
    if (this.context) this.context.close().catch(() => {});
    this.context = null;
  }
}

// One message as the window holds it: the stored view, and what a run in flight adds to it.

import type { Block, Fault, MessageView, Picture, RunEvent, SourceRef, Usage } from '$ipc/generated/domain';

export class MessageState {
  view = $state.raw<MessageView>() as MessageView;
  blocks = $state.raw<Block[]>([]);
  thinking = $state('');
  /** While streaming: what the run is doing. `idle` otherwise. */
  phase = $state<'idle' | 'starting' | 'waiting' | 'thinking' | 'writing'>('idle');
  /** A pause before another try, with its end. */
  pause = $state.raw<{ fault: Fault; attempt: number; until: number } | null>(null);
  leftOut = $state(0);
  usage = $state.raw<Usage | null>(null);
  sources = $state.raw<SourceRef[]>([]);
  /** Pictures of this answer, as its run told them. */
  pictures = $state.raw<Picture[]>([]);
  /** How many passages were compared, when the library was asked. */
  considered = $state<number | null>(null);
  startedAt = $state(0);
  /** When its run failed, if that was seen. */
  failedAt: number | null = null;
  /** How long it thought, while the run has not said so. */
  thoughtMs = $state<number | null>(null);
  seq = 0;

  constructor(view: MessageView) {
    this.take(view);
  }

  get id(): string {
    return this.view.message.id;
  }

  get streaming(): boolean {
    return this.phase !== 'idle';
  }

  /** Takes the message as stored. */
  take(view: MessageView): void {
    this.view = view;
    this.blocks = view.blocks;
    this.thinking = view.message.thinking ?? '';
    this.usage = view.message.usage;
    this.sources = view.message.sources;
    this.considered = view.message.considered ?? this.considered;
    if (view.message.status !== 'streaming') this.phase = 'idle';
    else if (this.phase === 'idle') this.begin();
  }

  begin(): void {
    this.phase = 'starting';
    this.startedAt = Date.now();
    this.thoughtMs = null;
    this.seq = 0;
  }

  /** Before a replay from the first event: only what was there before the run stays. */
  rewind(): void {
    this.thinking = '';
    this.seq = 0;
  }

  /** Carries one event out. Events that were seen already are passed over. */
  apply(event: RunEvent): void {
    if (event.seq <= this.seq) return;
    this.seq = event.seq;
    const { what } = event;
    switch (what.kind) {
      case 'started':
        this.pause = null;
        break;
      case 'waiting':
        this.phase = 'waiting';
        this.pause = { fault: what.fault, attempt: what.attempt, until: Date.now() + what.delayMs };
        break;
      case 'sources':
        this.sources = what.sources;
        this.considered = what.considered;
        break;
      case 'leftOut':
        this.leftOut = what.messages;
        break;
      case 'picture': {
        const { picture } = what;
        this.pause = null;
        this.phase = 'writing';
        this.pictures = [...this.pictures.filter((each) => each.id !== picture.id), picture];
        break;
      }
      case 'thinking':
        this.pause = null;
        this.phase = 'thinking';
        this.thinking += what.text;
        break;
      case 'patch':
        this.pause = null;
        if (this.phase === 'thinking') this.thoughtMs = Date.now() - this.startedAt;
        this.phase = 'writing';
        this.blocks = [...this.blocks.slice(0, what.from), ...what.blocks];
        break;
      case 'usage':
        this.usage = what.usage;
        break;
      case 'finished':
      case 'failed':
      case 'stopped':
        this.pause = null;
        this.phase = 'idle';
        this.failedAt = Date.now();
        this.take(what.view);
        break;
    }
  }
}

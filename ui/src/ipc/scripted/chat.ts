// Asking and answering: runs that stream, fail and are stopped.

import type { Listener } from '../backend';
import type {
  Attachment,
  ConversationOptions,
  Fault,
  FaultCode,
  Message,
  MessageView,
  RunEvent,
  RunStep,
  SendRequest,
  Settings,
  Started,
} from '../generated/domain';
import { noDraft, type Conversation, type ScriptedConversations } from './conversations';
import type { ScriptedLibrary } from './library';
import { blocksOf } from './markdown';
import { models } from './models';
import { noPictureRequest, pictureWanted } from './picture-models';
import type { ScriptedPictures } from './pictures';
import { borrowAnswer, chineseAnswer, finishedFields, shortAnswer, thoughts } from './samples';
import { day, fault, type Ids, type Scene } from './scenario';
import { leaseAnswer } from './texts';

interface Run {
  id: string;
  message: string;
  conversation: string;
  seq: number;
  log: RunEvent[];
  listeners: Set<Listener<RunEvent>>;
  timer: ReturnType<typeof setTimeout> | undefined;
  /** Told when it has ended. */
  ended: (() => void)[];
}

export interface ChatHooks {
  ids: Ids;
  spend: (neurons: number) => void;
  settings: () => Settings;
  attached: (ids: string[]) => Attachment[];
  library: ScriptedLibrary;
  gallery: ScriptedPictures;
}

export class ScriptedChat {
  private runs = new Map<string, Run>();

  constructor(
    private hooks: ChatHooks,
    private talks: ScriptedConversations,
    private scene: Scene,
  ) {}

  /** The run that writes a message. */
  runOf = (message: string): string | null =>
    [...this.runs.values()].find((each) => each.message === message)?.id ?? null;

  async sendMessage(request: SendRequest, events: Listener<RunEvent>): Promise<Started> {
    const known = request.conversation ? this.talks.byId.get(request.conversation) : undefined;
    // As the engine does: an answer's end must be stored before the next message follows it.
    if (
      known &&
      request.parent === null &&
      [...this.runs.values()].some((run) => run.conversation === known.summary.id)
    )
      throw fault('invalidInput', { detail: 'the last answer is still being written' });
    const conversation = known ?? this.talks.begin(request);
    const question = this.talks.add(conversation, {
      role: 'user',
      text: request.text,
      parent: request.parent ?? conversation.leaf,
      attachments: this.hooks.attached(request.attachments),
    });
    if (request.draft) {
      conversation.draft = structuredClone(request.draft);
      if (!known) this.talks.newDraft = noDraft();
    }
    return this.answer(conversation, question, events, request.text);
  }

  async regenerate(message: string, model: string | null, events: Listener<RunEvent>): Promise<Started> {
    const [conversation, old] = this.talks.find(message);
    const question = old.role === 'user' ? old : conversation.messages.get(old.parent ?? '');
    if (!question) throw fault('notFound');
    return this.answer(conversation, question, events, question.text, model);
  }

  async editMessage(
    message: string,
    text: string,
    attachments: string[],
    events: Listener<RunEvent>,
  ): Promise<Started> {
    const [conversation, old] = this.talks.find(message);
    const question = this.talks.add(conversation, {
      role: 'user',
      text,
      parent: old.parent,
      attachments: this.hooks.attached(attachments),
    });
    return this.answer(conversation, question, events, text);
  }

  async continueAnswer(message: string, events: Listener<RunEvent>): Promise<Started> {
    const [conversation, answer] = this.talks.find(message);
    return this.stream(conversation, answer, null, events, `${answer.text}\n\n${shortAnswer}`, answer.text.length);
  }

  async stopRun(id: string): Promise<void> {
    const run = this.runs.get(id);
    if (!run) return;
    clearTimeout(run.timer);
    // Storing what arrived takes a moment, and only then it has ended.
    run.timer = setTimeout(() => {
      const [, message] = this.talks.find(run.message);
      Object.assign(message, { status: 'stopped', finish: 'stopped' });
      this.end(run, { kind: 'stopped', view: this.talks.view(message) });
    }, 20);
    await new Promise<void>((ended) => run.ended.push(ended));
  }

  async attachRun(id: string, after: number, events: Listener<RunEvent>): Promise<void> {
    const run = this.runs.get(id);
    if (!run) throw fault('notFound');
    for (const event of run.log) if (event.seq > after) events(event);
    run.listeners.add(events);
  }

  async activeRuns() {
    return [...this.runs.values()].map(({ id, conversation, message }) => ({ run: id, conversation, message }));
  }

  async contextMeter(id: string | null, options: ConversationOptions, draft: string, attachments: string[]) {
    const history = id ? this.talks.pathOf(this.talks.conversation(id)).reduce((sum, item) => sum + item.length, 0) : 0;
    const model = models.find((each) => each.id === (options.model ?? models[0]?.id));
    const window = model?.contextWindow ?? null;
    const kept = window === null ? history / 4 : Math.min(history / 4, window * 0.75);
    return {
      window,
      system: Math.ceil((options.system ?? '').length / 4),
      history: Math.ceil(kept),
      draft: Math.ceil(draft.length / 4) + attachments.length * 700,
      leftOut: history / 4 > kept ? 12 : 0,
    };
  }

  async copyMessage(message: string, form: string): Promise<string> {
    const [, found] = this.talks.find(message);
    if (form === 'markdown') return found.text;
    return `# the call as ${form}\ncurl https://api.cloudflare.com/client/v4/accounts/$CLOUDFLARE_ACCOUNT_ID/ai/v1/chat/completions`;
  }

  // --- inside -------------------------------------------------------------------------------------------------------

  private answer(
    conversation: Conversation,
    question: Message,
    events: Listener<RunEvent>,
    prompt: string,
    model: string | null = null,
  ): Started {
    const answer = this.talks.add(conversation, {
      role: 'assistant',
      text: '',
      parent: question.id,
      status: 'streaming',
    });
    if (model) answer.model = model;
    const words = pictureWanted(prompt);
    if (words && this.hooks.settings().pictureWords) return this.draw(conversation, answer, question, events, words);
    const { collections, documents } = conversation.options;
    if (collections.length + documents.length > 0) {
      void this.hooks.library.finding.explain(answer.id, prompt, collections, documents);
      const { sources, considered } = this.hooks.library.finding.sources(collections, documents);
      answer.sources = sources;
      answer.considered = considered;
      const text = sources.length > 0 ? leaseAnswer : shortAnswer;
      return this.stream(conversation, answer, question, events, text, 0, considered);
    }
    const text = answerTo(prompt);
    return this.stream(conversation, answer, question, events, text, 0);
  }

  /** The answer is a picture. */
  private draw(
    conversation: Conversation,
    answer: Message,
    question: Message,
    events: Listener<RunEvent>,
    prompt: string,
  ): Started {
    const run = this.beginRun(conversation, answer, events);
    const request = { ...noPictureRequest, prompt, conversation: conversation.summary.id };
    void this.hooks.gallery.makePictures(request, (event) => {
      if (event.kind !== 'changed') return;
      const { picture } = event;
      if (picture.state.kind === 'done') answer.pictures = [picture.id];
      this.tell(run, { kind: 'picture', picture });
      if (picture.state.kind === 'done') this.finish(run, answer);
      if (picture.state.kind === 'failed') this.failRun(run, answer, picture.state.fault.code);
      if (picture.state.kind === 'stopped') void this.stopRun(run.id);
    });
    return this.started(run, conversation, question, answer);
  }

  private beginRun(conversation: Conversation, answer: Message, events: Listener<RunEvent>): Run {
    const run: Run = {
      id: this.hooks.ids.next('run'),
      message: answer.id,
      conversation: conversation.summary.id,
      seq: 0,
      log: [],
      listeners: new Set([events]),
      timer: undefined,
      ended: [],
    };
    this.runs.set(run.id, run);
    Object.assign(answer, { status: 'streaming', fault: null });
    conversation.leaf = answer.id;
    this.talks.change(run.conversation, { streaming: true, updatedAt: Date.now() });
    return run;
  }

  private started(run: Run, conversation: Conversation, question: Message | null, answer: Message): Started {
    return {
      run: run.id,
      conversation: { ...conversation.summary },
      question: question && this.talks.view(question),
      answer: this.talks.view(answer),
      path: this.talks.pathOf(conversation),
    };
  }

  private stream(
    conversation: Conversation,
    answer: Message,
    question: Message | null,
    events: Listener<RunEvent>,
    text: string,
    from: number,
    considered: number | null = null,
  ): Started {
    const { fail, failAfter } = this.scene;
    const run = this.beginRun(conversation, answer, events);
    const reasons = models.find((each) => each.id === answer.model)?.reasoning === true && from === 0;
    let thought = 0;
    let told = from;
    let shown = blocksOf(answer.text);
    const began = Date.now();

    const tick = (): void => {
      if (fail && failAfter === 0) return this.failRun(run, answer, fail);
      if (reasons && thought < thoughts.length && !fail) {
        this.tell(run, { kind: 'thinking', text: thoughts.slice(thought, thought + this.scene.speed) });
        thought += this.scene.speed;
        answer.thinking = thoughts.slice(0, thought);
      } else {
        if (answer.firstTokenMs === null) answer.firstTokenMs = Date.now() - began;
        if (answer.thinking) answer.thinkingMs ??= Date.now() - began;
        told = Math.min(text.length, told + this.scene.speed);
        answer.text = text.slice(0, told);
        const blocks = blocksOf(answer.text);
        let same = 0;
        while (same < shown.length && same < blocks.length && shown[same]?.html === blocks[same]?.html) same += 1;
        shown = blocks;
        this.tell(run, { kind: 'patch', from: same, blocks: blocks.slice(same) });
        if (fail && told >= from + failAfter) return this.failRun(run, answer, fail);
      }
      if (told >= text.length) return this.finish(run, answer);
      run.timer = setTimeout(tick, 30);
    };
    run.timer = setTimeout(() => {
      this.tell(run, { kind: 'started' });
      if (considered !== null) this.tell(run, { kind: 'sources', sources: answer.sources, considered });
      tick();
    }, 20);
    return this.started(run, conversation, question, answer);
  }

  private tell(run: Run, what: RunStep): void {
    run.seq += 1;
    const event: RunEvent = { run: run.id, message: run.message, seq: run.seq, what };
    run.log.push(event);
    for (const listener of run.listeners) listener(event);
  }

  private end(run: Run, step: Extract<RunStep, { view: MessageView }>): void {
    this.runs.delete(run.id);
    clearTimeout(run.timer);
    for (const ended of run.ended) ended();
    this.tell(run, { ...step, view: { ...step.view, run: null } });
    const conversation = this.talks.conversation(run.conversation);
    const first = [...conversation.messages.values()][0];
    const title = conversation.summary.title || (first?.text ?? '').slice(0, 40);
    this.talks.change(run.conversation, { streaming: false, title });
    this.hooks.spend(4.1);
  }

  private finish(run: Run, answer: Message): void {
    Object.assign(answer, { status: 'complete', ...finishedFields(answer.text), firstTokenMs: answer.firstTokenMs });
    this.end(run, { kind: 'finished', view: this.talks.view(answer) });
  }

  private failRun(run: Run, answer: Message, code: FaultCode): void {
    const why = fault(code, failureDetails[code] ?? {});
    const cut = answer.text.length > 0;
    const cuts = ['streamCut', 'timedOut', 'offline'].includes(code);
    Object.assign(answer, { status: cut && cuts ? 'interrupted' : 'failed', fault: why });
    this.end(run, { kind: 'failed', fault: why, view: this.talks.view(answer) });
  }
}

const failureDetails: Partial<Record<FaultCode, Partial<Fault>>> = {
  dailyAllowanceSpent: { status: 429, upstreamCode: 3036, until: (Math.floor(Date.now() / day) + 1) * day },
  modelBusy: { status: 429, upstreamCode: 3040, detail: 'Capacity temporarily exceeded, please try again.' },
  modelGone: { status: 410, upstreamCode: 5028, replacement: '@cf/zai-org/glm-4.7-flash' },
  rateLimited: { status: 429, retryAfterMs: 20_000 },
  tokenRejected: { status: 401, upstreamCode: 10000 },
  upstream: { status: 502, reference: '8f1c2d3e4a5b6c7d' },
};

function answerTo(prompt: string): string {
  if (/\p{Script=Han}/u.test(prompt)) return chineseAnswer;
  // Some 32 KiB, to see how the window bears a long answer.
  if (/very long/i.test(prompt)) return Array.from({ length: 24 }, () => borrowAnswer).join('\n\n');
  return /worker|short/i.test(prompt) ? shortAnswer : borrowAnswer;
}

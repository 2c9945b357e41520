// Conversations as trees of messages, their settings, drafts and assistants, and a history to begin with.

import type { ExportFormat } from '../backend';
import type {
  AppEvent,
  Assistant,
  ConversationOptions,
  ConversationSummary,
  Draft,
  Message,
  MessageView,
  PathItem,
  SendRequest,
  SnippetPart,
  Transcript,
} from '../generated/domain';
import { blocksOf } from './markdown';
import { models } from './models';
import { answers, borrowAnswer, chineseAnswer, finishedFields, shortAnswer, titles } from './samples';
import { day, fault, hour, pause, type Ids, type Scene } from './scenario';
import { noParameters } from './settings';

export interface Conversation {
  summary: ConversationSummary;
  options: ConversationOptions;
  messages: Map<string, Message>;
  leaf: string | null;
  draft: Draft;
}

export interface ConversationHooks {
  ids: Ids;
  tell: (event: AppEvent) => void;
  /** The run that writes a message. */
  runOf: (message: string) => string | null;
}

export class ScriptedConversations {
  readonly byId = new Map<string, Conversation>();
  newDraft = noDraft();
  private trash = new Map<string, Conversation>();
  private savedAssistants: Assistant[] = [];

  constructor(
    private hooks: ConversationHooks,
    private scene: Scene,
  ) {
    this.fill();
  }

  async conversations(offset: number, limit: number, archived: boolean) {
    const rows = [...this.byId.values()]
      .map((each) => each.summary)
      .filter((each) => each.archived === archived)
      .sort((a, b) => Number(b.pinned) - Number(a.pinned) || b.updatedAt - a.updatedAt);
    return { conversations: rows.slice(offset, offset + limit), more: rows.length > offset + limit };
  }

  async transcript(id: string): Promise<Transcript> {
    const conversation = this.conversation(id);
    const path = this.pathOf(conversation);
    return {
      conversation: { ...conversation.summary },
      options: conversation.options,
      path,
      tail: path.slice(-20).map((item) => this.view(conversation.messages.get(item.id)!)),
      draft: structuredClone(conversation.draft),
    };
  }

  async messages(ids: string[]): Promise<MessageView[]> {
    await pause(5);
    return ids.map((id) => this.view(this.find(id)[1]));
  }

  async selectVersion(message: string): Promise<Transcript> {
    const [conversation, chosen] = this.find(message);
    let leaf = chosen.id;
    for (;;) {
      const next = [...conversation.messages.values()].filter((each) => each.parent === leaf).at(-1);
      if (!next) break;
      leaf = next.id;
    }
    conversation.leaf = leaf;
    return this.transcript(conversation.summary.id);
  }

  renameConversation = async (id: string, title: string) => this.change(id, { title, renamed: true });
  pinConversation = async (id: string, pinned: boolean) => this.change(id, { pinned });
  archiveConversation = async (id: string, archived: boolean) => this.change(id, { archived });

  async deleteConversation(id: string): Promise<void> {
    this.trash.set(id, this.conversation(id));
    this.byId.delete(id);
    this.hooks.tell({ kind: 'conversationRemoved', id });
  }

  async undeleteConversation(id: string): Promise<ConversationSummary> {
    const conversation = this.trash.get(id);
    if (!conversation) throw fault('notFound');
    this.byId.set(id, conversation);
    return this.change(id, {});
  }

  async forkConversation(message: string): Promise<ConversationSummary> {
    const [conversation] = this.find(message);
    const fork = this.begin({
      conversation: null,
      parent: null,
      text: '',
      attachments: [],
      options: conversation.options,
      temporary: false,
      draft: null,
    });
    let parent: string | null = null;
    for (const item of this.pathOf(conversation)) {
      const copy: Message = {
        ...conversation.messages.get(item.id)!,
        id: this.hooks.ids.next('message'),
        conversation: fork.summary.id,
        parent,
      };
      fork.messages.set(copy.id, copy);
      parent = fork.leaf = copy.id;
      if (item.id === message) break;
    }
    return this.change(fork.summary.id, { title: conversation.summary.title });
  }

  async setConversationOptions(id: string, options: ConversationOptions): Promise<ConversationOptions> {
    const conversation = this.conversation(id);
    conversation.options = options;
    this.change(id, { model: options.model });
    return options;
  }

  assistants = async (): Promise<Assistant[]> => structuredClone(this.savedAssistants);

  async saveAssistant(id: string | null, name: string, options: ConversationOptions): Promise<Assistant> {
    const saved = { id: id ?? crypto.randomUUID(), name, options: structuredClone(options) };
    this.savedAssistants = [...this.savedAssistants.filter((each) => each.id !== saved.id), saved];
    return structuredClone(saved);
  }

  async deleteAssistant(id: string): Promise<void> {
    this.savedAssistants = this.savedAssistants.filter((each) => each.id !== id);
  }

  async saveDraft(id: string | null, draft: Draft): Promise<void> {
    if (id === null) this.newDraft = structuredClone(draft);
    else this.conversation(id).draft = structuredClone(draft);
  }

  draft = async (id: string | null): Promise<Draft> =>
    structuredClone(id === null ? this.newDraft : this.conversation(id).draft);

  async searchHistory(query: string, limit: number) {
    const wanted = query.toLowerCase();
    const hits = [];
    for (const { summary, messages } of this.byId.values()) {
      if (summary.title.toLowerCase().includes(wanted)) {
        hits.push({
          conversation: summary.id,
          title: summary.title,
          message: null,
          role: null,
          at: summary.updatedAt,
          snippet: marked(summary.title, wanted),
        });
      }
      for (const message of messages.values()) {
        if (hits.length >= limit) return hits;
        if (!message.text.toLowerCase().includes(wanted)) continue;
        hits.push({
          conversation: summary.id,
          title: summary.title,
          message: message.id,
          role: message.role,
          at: message.createdAt,
          snippet: marked(message.text, wanted),
        });
      }
    }
    return hits;
  }

  exportConversations = async (ids: string[], format: ExportFormat) =>
    `/home/ada/Documents/${ids.length} conversations.${format}`;

  importConversations = async () => 3;
  backUp = async () => '/home/ada/Documents/edgewise-backup.sqlite';
  restoreBackup = async () => false;

  // --- inside -------------------------------------------------------------------------------------------------------

  private fill(): void {
    const { history, now } = this.scene;
    if (history === 'none') return;
    const count = history === 'many' ? 400 : titles.length;
    for (let index = 0; index < count; index += 1) {
      const age = index < 4 ? index * hour * 0.7 : index < 7 ? day + index * hour : index * index * 0.12 * day;
      const conversation = this.begin(
        { conversation: null, parent: null, text: '', attachments: [], options: null, temporary: false, draft: null },
        now - age,
      );
      const title = titles[index % titles.length] ?? '';
      Object.assign(conversation.summary, { title, pinned: index === 10 });
      const text = index === 2 ? chineseAnswer : index === 1 ? shortAnswer : borrowAnswer;
      this.exchange(conversation, index === 2 ? '向量检索和关键词检索可以一起用吗？' : `${title}?`, text, now - age);
      if (index % 3 === 0)
        this.exchange(conversation, 'And in one sentence?', 'One writer *or* many readers, never both.', now - age);
    }
    if (history === 'huge') this.fillHuge(now);
  }

  private fillHuge(now: number): void {
    const huge = this.begin(
      { conversation: null, parent: null, text: '', attachments: [], options: null, temporary: false, draft: null },
      now,
    );
    huge.summary.title = 'Ten thousand messages';
    for (let index = 0; index < 5000; index += 1) {
      const text =
        index % 9 === 0
          ? (answers[index % 3] ?? '')
          : `Answer ${index + 1}. ${'A sentence of some length. '.repeat((index * 7) % 23)}`;
      this.exchange(huge, `Question ${index + 1}`, text, now);
    }
  }

  private exchange(conversation: Conversation, question: string, answer: string, at: number): void {
    const asked = this.add(conversation, { role: 'user', text: question, parent: conversation.leaf, createdAt: at });
    this.add(conversation, {
      role: 'assistant',
      text: answer,
      parent: asked.id,
      createdAt: at,
      ...finishedFields(answer),
    });
  }

  begin(request: SendRequest, at = Date.now()): Conversation {
    const id = this.hooks.ids.next('conversation');
    const options = request.options ?? {
      model: null,
      system: null,
      parameters: noParameters,
      collections: [],
      documents: [],
    };
    const conversation: Conversation = {
      summary: {
        id,
        title: '',
        renamed: false,
        pinned: false,
        archived: false,
        temporary: request.temporary,
        model: options.model,
        createdAt: at,
        updatedAt: at,
        streaming: false,
      },
      options,
      messages: new Map(),
      leaf: null,
      draft: noDraft(),
    };
    this.byId.set(id, conversation);
    return conversation;
  }

  add(conversation: Conversation, what: Partial<Message> & Pick<Message, 'role' | 'text' | 'parent'>): Message {
    const message: Message = {
      id: this.hooks.ids.next('message'),
      conversation: conversation.summary.id,
      thinking: null,
      thinkingMs: null,
      status: 'complete',
      fault: null,
      model: what.role === 'assistant' ? (conversation.options.model ?? models[0]!.id) : null,
      createdAt: Date.now(),
      finish: null,
      usage: null,
      firstTokenMs: null,
      streamMs: null,
      attachments: [],
      toolCalls: [],
      sources: [],
      pictures: [],
      ...what,
    };
    conversation.messages.set(message.id, message);
    conversation.leaf = message.id;
    return message;
  }

  conversation(id: string): Conversation {
    const conversation = this.byId.get(id);
    if (!conversation) throw fault('notFound');
    return conversation;
  }

  find(message: string): [Conversation, Message] {
    for (const conversation of this.byId.values()) {
      const found = conversation.messages.get(message);
      if (found) return [conversation, found];
    }
    throw fault('notFound');
  }

  pathOf(conversation: Conversation): PathItem[] {
    const path: PathItem[] = [];
    for (let id = conversation.leaf; id;) {
      const message: Message = conversation.messages.get(id)!;
      path.push({ id, role: message.role, length: message.text.length });
      id = message.parent;
    }
    return path.reverse();
  }

  view(message: Message): MessageView {
    const conversation = this.conversation(message.conversation);
    const siblings =
      conversation.messages.size > 1000
        ? [message.id]
        : [...conversation.messages.values()]
            .filter((each) => each.parent === message.parent && each.role === message.role)
            .map((each) => each.id);
    return {
      message: structuredClone(message),
      blocks: blocksOf(message.text),
      version: siblings.indexOf(message.id) + 1,
      versions: siblings.length,
      siblings,
      run: this.hooks.runOf(message.id),
    };
  }

  change(id: string, what: Partial<ConversationSummary>): ConversationSummary {
    const { summary } = this.conversation(id);
    Object.assign(summary, what);
    this.hooks.tell({ kind: 'conversationChanged', conversation: { ...summary } });
    return { ...summary };
  }
}

function marked(text: string, wanted: string): SnippetPart[] {
  const at = text.toLowerCase().indexOf(wanted);
  const start = Math.max(0, at - 40);
  return [
    { text: (start > 0 ? '…' : '') + text.slice(start, at), hit: false },
    { text: text.slice(at, at + wanted.length), hit: true },
    { text: `${text.slice(at + wanted.length, at + 120)}…`, hit: false },
  ];
}

export const noDraft = (): Draft => ({ text: '', attachments: [], queue: [] });

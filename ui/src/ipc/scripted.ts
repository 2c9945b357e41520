// A backend without Rust: convincing data in memory, answers that stream, faults on request.
// Unit tests and the flows in a browser stand on it; the app itself never imports it.

import type { Backend, ExportFormat, Listener } from './backend';
import type {
  Account,
  AccountState,
  AppEvent,
  AppInfo,
  Assistant,
  AttachedFiles,
  Attachment,
  CheckEvent,
  ConversationOptions,
  ConversationSummary,
  DatabaseState,
  Draft,
  Fault,
  FaultCode,
  GrantedFile,
  KeepIn,
  KeychainState,
  Message,
  MessageView,
  PathItem,
  RunEvent,
  RunStep,
  PictureQuery,
  PictureRequest,
  PictureEvent,
  SendRequest,
  Settings,
  SnippetPart,
  Started,
  Transcript,
  UsageLine,
  UsageToday,
} from './generated/domain';
import { ScriptedLibrary, type LibraryScene } from './scripted/library';
import { blocksOf } from './scripted/markdown';
import { models } from './scripted/models';
import { noPictureRequest, ScriptedPictures } from './scripted/pictures';
import { answers, borrowAnswer, chineseAnswer, shortAnswer, thoughts, titles } from './scripted/samples';
import { leaseAnswer } from './scripted/texts';

export interface Scenario {
  /** What there is at the start. */
  history?: 'none' | 'some' | 'many' | 'huge';
  account?: 'none' | 'cloudflare' | 'simulator';
  database?: DatabaseState['kind'];
  keychain?: KeychainState;
  passphraseNeeded?: boolean;
  locale?: string;
  theme?: Settings['theme'];
  /** The next answers fail so. */
  fail?: FaultCode;
  /** The fault comes after this many characters; 0 = before the first. */
  failAfter?: number;
  /** Characters per tick of 30 ms. */
  speed?: number;
  /** The share of today's allowance that is used, 0 to 1. */
  used?: number;
  /** A permission that the pasted token lacks. */
  missingPermission?: string;
  /** The token cannot list accounts. */
  hiddenAccounts?: boolean;
  savingTrouble?: boolean;
  /** What lies in the library; `full` is 4,000 documents, `indexing` stands in the middle of an ingestion. */
  library?: LibraryScene;
  /** Pictures in the gallery: none, 64 or 25,000. */
  gallery?: 'none' | 'some' | 'many';
  now?: number;
}

const hour = 3_600_000;
const day = 24 * hour;

const noParameters = {
  temperature: null,
  topP: null,
  topK: null,
  maxTokens: null,
  seed: null,
  frequencyPenalty: null,
  presencePenalty: null,
  repetitionPenalty: null,
  reasoningEffort: null,
  stop: [],
  json: false,
  jsonSchema: null,
};

const defaultSettings: Settings = {
  locale: null,
  theme: 'system',
  zoom: 1,
  sendWithModifier: false,
  showAnswerInfo: true,
  makeTitles: true,
  longPaste: 4000,
  chatModel: null,
  titleModel: null,
  imageModel: null,
  embeddingModel: null,
  favouriteModels: ['@cf/zai-org/glm-4.7-flash', '@cf/meta/llama-4-scout-17b-16e-instruct'],
  systemPrompt: null,
  softCap: null,
  hardCap: null,
  proxy: null,
  customCa: null,
  connectTimeoutS: 10,
  firstByteTimeoutS: 120,
  idleTimeoutS: 90,
  pictureWords: true,
  stripMetadata: false,
  largestDocumentMib: 256,
  readingMemoryMib: 1024,
  readingCpuS: 20,
  readingWallS: 30,
  keys: {},
  sidebarHidden: false,
  sidebarWidth: 264,
};

interface Conversation {
  summary: ConversationSummary;
  options: ConversationOptions;
  messages: Map<string, Message>;
  leaf: string | null;
  draft: Draft;
}

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

/** Files that no message holds, and that the library reads. */
const isDocument = (name: string): boolean => /\.(pdf|docx|xlsx|pptx|epub|mp3|wav)$/i.test(name);

export class Scripted implements Backend {
  readonly calls: string[] = [];
  /** What the person chooses in the dialog for files. */
  picked = ['notes.txt'];
  readonly library: ScriptedLibrary;
  readonly gallery: ScriptedPictures;
  private scenario: Required<Omit<Scenario, 'fail' | 'missingPermission'>> &
    Pick<Scenario, 'fail' | 'missingPermission'>;
  private conversationsById = new Map<string, Conversation>();
  private trash = new Map<string, Conversation>();
  private attachments = new Map<string, { attachment: Attachment; url: string }>();
  private runs = new Map<string, Run>();
  private listeners = new Set<Listener<AppEvent>>();
  private newDraft = noDraft();
  private savedAssistants: Assistant[] = [];
  private counter = 0;
  private savedSettings: Settings;
  private accountNow: AccountState;
  private databaseNow: DatabaseState;
  private neurons: number;

  constructor(scenario: Scenario = {}) {
    this.scenario = {
      history: 'some',
      account: 'simulator',
      database: 'ok',
      keychain: 'ok',
      passphraseNeeded: false,
      locale: 'en',
      theme: 'system',
      failAfter: 0,
      speed: 24,
      used: 0.128,
      hiddenAccounts: false,
      savingTrouble: false,
      library: 'some',
      gallery: 'some',
      now: Date.now(),
      ...scenario,
    };
    this.savedSettings = { ...defaultSettings, theme: this.scenario.theme };
    this.neurons = this.scenario.used * 10_000;
    this.accountNow = this.firstAccount();
    this.databaseNow = this.firstDatabase();
    this.library = new ScriptedLibrary(
      {
        id: (kind) => this.id(kind),
        changed: (documents) => this.emit({ kind: 'libraryChanged', documents }),
        spend: (neurons) => this.spend(neurons),
        simulated: () => this.accountNow.current?.keptIn === 'simulator',
      },
      this.scenario.now,
      this.scenario.library,
    );
    this.fill();
    this.gallery = new ScriptedPictures(
      {
        now: this.scenario.now,
        tell: (event) => this.emit({ kind: 'picture', event }),
        spend: (neurons) => this.spend(neurons),
        called: (call) => this.calls.push(call),
        attach: (name, bytes) => this.attachBytes(name, bytes),
      },
      this.scenario.gallery,
    );
  }

  // --- control from tests -------------------------------------------------------------------------------------------

  emit(event: AppEvent): void {
    for (const listener of this.listeners) listener(event);
  }

  failNext(code: FaultCode | undefined, after = 0): void {
    this.scenario.fail = code;
    this.scenario.failAfter = after;
  }

  setSpeed(charactersPerTick: number): void {
    this.scenario.speed = charactersPerTick;
  }

  // --- app ----------------------------------------------------------------------------------------------------------

  async appInfo(): Promise<AppInfo> {
    return {
      version: '0.1.0',
      dataDir: '/home/ada/.local/share/dev.edgewise.Edgewise',
      locale: this.savedSettings.locale ?? this.scenario.locale,
      platform: 'linux',
      database: this.databaseNow,
    };
  }

  async subscribe(events: Listener<AppEvent>): Promise<void> {
    this.listeners.add(events);
    if (this.scenario.savingTrouble) events({ kind: 'savingTrouble', fault: { code: 'diskFull' } });
  }

  async openLink(url: string): Promise<void> {
    this.calls.push(`openLink ${url}`);
  }

  async revealDataFolder(): Promise<void> {
    this.calls.push('revealDataFolder');
  }

  async restoreCopy(name: string): Promise<AppInfo> {
    this.calls.push(`restoreCopy ${name}`);
    this.databaseNow = { kind: 'ok' };
    return this.appInfo();
  }

  async startFresh(): Promise<AppInfo> {
    this.databaseNow = { kind: 'ok' };
    this.conversationsById.clear();
    return this.appInfo();
  }

  // --- account ------------------------------------------------------------------------------------------------------

  accountState = async (): Promise<AccountState> => this.accountNow;

  async discoverAccounts(token: string) {
    await pause(200);
    if (token.trim().length < 10) throw fault('tokenRejected', { status: 401, upstreamCode: 1000 });
    const accounts = this.scenario.hiddenAccounts
      ? []
      : [
          { id: '0123456789abcdef0123456789abcdef', name: "Ada's account" },
          { id: 'fedcba9876543210fedcba9876543210', name: 'Analytical Engines Ltd' },
        ];
    return { ticket: this.id('ticket'), accounts, accountIdNeeded: accounts.length === 0 };
  }

  async checkAccount(_ticket: string, accountId: string, events: Listener<CheckEvent>): Promise<boolean> {
    events({ step: 'tokenValid', outcome: null });
    await pause(250);
    events({ step: 'tokenValid', outcome: { kind: 'proved', neurons: null } });
    events({ step: 'workersAiPermission', outcome: null });
    await pause(250);
    if (!/^[0-9a-f]{32}$/.test(accountId)) {
      events({
        step: 'workersAiPermission',
        outcome: { kind: 'failed', fault: fault('accountUnknown', { status: 404 }), missingPermission: null },
      });
      return false;
    }
    if (this.scenario.missingPermission) {
      const missingPermission = this.scenario.missingPermission;
      const why = fault('tokenLacksPermission', { status: 403, upstreamCode: 10000, detail: missingPermission });
      events({ step: 'workersAiPermission', outcome: { kind: 'failed', fault: why, missingPermission } });
      return false;
    }
    events({ step: 'workersAiPermission', outcome: { kind: 'proved', neurons: null } });
    events({ step: 'oneTokenAnswer', outcome: null });
    await pause(350);
    events({ step: 'oneTokenAnswer', outcome: { kind: 'proved', neurons: 0.12 } });
    return true;
  }

  async connectAccount(_ticket: string, accountId: string, keep: KeepIn): Promise<AccountState> {
    if (keep.kind === 'keychain' && this.scenario.keychain !== 'ok') throw fault(keychainFault[this.scenario.keychain]);
    const account: Account = {
      key: `cloudflare-${accountId.slice(0, 6)}`,
      accountId,
      name: "Ada's account",
      gateway: null,
      keptIn: keep.kind,
    };
    return this.setAccount({ current: account, ready: true, accounts: [...this.accountNow.accounts, account] });
  }

  async tryDemo(): Promise<AccountState> {
    await pause(120);
    return this.setAccount({ current: simulatorAccount, ready: true, accounts: [simulatorAccount] });
  }

  async switchAccount(key: string): Promise<AccountState> {
    const current = this.accountNow.accounts.find((account) => account.key === key);
    if (!current) throw fault('notFound');
    return this.setAccount({ current, ready: true });
  }

  async disconnectAccount(key: string): Promise<AccountState> {
    const accounts = this.accountNow.accounts.filter((account) => account.key !== key);
    const current = accounts[0] ?? null;
    return this.setAccount({ accounts, current, ready: current !== null });
  }

  async unlockKeyFile(passphrase: string): Promise<AccountState> {
    await pause(150);
    if (passphrase !== 'correct horse') throw fault('passphraseWrong');
    return this.setAccount({ passphraseNeeded: false, ready: true });
  }

  async retryKeychain(): Promise<AccountState> {
    await pause(150);
    return this.setAccount({ keychain: 'ok', ready: true });
  }

  // --- chat ---------------------------------------------------------------------------------------------------------

  async sendMessage(request: SendRequest, events: Listener<RunEvent>): Promise<Started> {
    const known = request.conversation ? this.conversationsById.get(request.conversation) : undefined;
    // As the engine does: an answer's end must be stored before the next message follows it.
    if (
      known &&
      request.parent === null &&
      [...this.runs.values()].some((run) => run.conversation === known.summary.id)
    )
      throw fault('invalidInput', { detail: 'the last answer is still being written' });
    const conversation = known ?? this.begin(request);
    const question = this.add(conversation, {
      role: 'user',
      text: request.text,
      parent: request.parent ?? conversation.leaf,
      attachments: request.attachments.flatMap((id) => this.attachments.get(id)?.attachment ?? []),
    });
    if (request.draft) {
      conversation.draft = structuredClone(request.draft);
      if (!known) this.newDraft = noDraft();
    }
    return this.answer(conversation, question, events, request.text);
  }

  async regenerate(message: string, model: string | null, events: Listener<RunEvent>): Promise<Started> {
    const [conversation, old] = this.find(message);
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
    const [conversation, old] = this.find(message);
    const question = this.add(conversation, {
      role: 'user',
      text,
      parent: old.parent,
      attachments: attachments.flatMap((id) => this.attachments.get(id)?.attachment ?? []),
    });
    return this.answer(conversation, question, events, text);
  }

  async continueAnswer(message: string, events: Listener<RunEvent>): Promise<Started> {
    const [conversation, answer] = this.find(message);
    return this.stream(conversation, answer, null, events, `${answer.text}\n\n${shortAnswer}`, answer.text.length);
  }

  async stopRun(id: string): Promise<void> {
    const run = this.runs.get(id);
    if (!run) return;
    clearTimeout(run.timer);
    // Storing what arrived takes a moment, and only then it has ended.
    run.timer = setTimeout(() => {
      const [, message] = this.find(run.message);
      Object.assign(message, { status: 'stopped', finish: 'stopped' });
      this.end(run, { kind: 'stopped', view: this.view(message) });
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
    const history = id ? this.pathOf(this.conversation(id)).reduce((sum, item) => sum + item.length, 0) : 0;
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
    const [, found] = this.find(message);
    if (form === 'markdown') return found.text;
    return `# the call as ${form}\ncurl https://api.cloudflare.com/client/v4/accounts/$CLOUDFLARE_ACCOUNT_ID/ai/v1/chat/completions`;
  }

  // --- history ------------------------------------------------------------------------------------------------------

  async conversations(offset: number, limit: number, archived: boolean) {
    const rows = [...this.conversationsById.values()]
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
    this.conversationsById.delete(id);
    this.emit({ kind: 'conversationRemoved', id });
  }

  async undeleteConversation(id: string): Promise<ConversationSummary> {
    const conversation = this.trash.get(id);
    if (!conversation) throw fault('notFound');
    this.conversationsById.set(id, conversation);
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
        id: this.id('message'),
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
    for (const { summary, messages } of this.conversationsById.values()) {
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

  // --- attach -------------------------------------------------------------------------------------------------------

  async attachBytes(name: string, bytes: Uint8Array): Promise<Attachment> {
    if (isDocument(name)) throw fault('formatUnknown', { detail: name });
    const picture = /\.(png|jpe?g|webp)$/i.test(name);
    const attachment: Attachment = {
      id: this.id('attachment'),
      name,
      mediaType: picture ? 'image/png' : 'text/plain',
      size: bytes.length,
      width: picture ? 640 : null,
      height: picture ? 400 : null,
    };
    const url =
      URL.createObjectURL?.(new Blob([bytes as Uint8Array<ArrayBuffer>], { type: attachment.mediaType })) ?? '';
    this.attachments.set(attachment.id, { attachment, url });
    return attachment;
  }

  attachPicked = async (): Promise<AttachedFiles> => {
    const attached: Attachment[] = [];
    const documents: GrantedFile[] = [];
    for (const name of this.picked) {
      const bytes = new TextEncoder().encode('Notes on borrowing.');
      if (isDocument(name)) documents.push({ name, folder: false, size: bytes.length });
      else attached.push(await this.attachBytes(name, bytes));
    }
    return {
      attached,
      refused: [],
      documents: documents.length > 0 ? { id: this.id('grant'), files: documents } : null,
    };
  };
  attachGrant = async (): Promise<AttachedFiles> => ({
    attached: [await this.attachBytes('dropped.txt', new TextEncoder().encode('Dropped.'))],
    refused: [],
    documents: null,
  });
  attachmentUrl = (id: string): string => this.attachments.get(id)?.url ?? '';

  // --- pictures -----------------------------------------------------------------------------------------------------

  pictureForm = (model: string) => this.gallery.pictureForm(model);
  quotePicture = (request: PictureRequest) => this.gallery.quotePicture(request);
  makePictures = (request: PictureRequest, events: Listener<PictureEvent>) =>
    this.gallery.makePictures(structuredClone(request), events);
  cancelPicture = (picture: string) => this.gallery.cancelPicture(picture);
  savePictureAgain = (picture: string) => this.gallery.savePictureAgain(picture);
  pictures = (query: PictureQuery) => this.gallery.pictures(query);
  galleryDays = (query: PictureQuery) => this.gallery.galleryDays(query);
  picture = (picture: string) => this.gallery.picture(picture);
  starPictures = (pictures: string[], starred: boolean) => this.gallery.starPictures(pictures, starred);
  deletePictures = (pictures: string[]) => this.gallery.deletePictures(pictures);
  undeletePictures = (pictures: string[]) => this.gallery.undeletePictures(pictures);
  albums = () => this.gallery.albums();
  createAlbum = (name: string) => this.gallery.createAlbum(name);
  renameAlbum = (album: string, name: string) => this.gallery.renameAlbum(album, name);
  deleteAlbum = (album: string, withPictures: boolean) => this.gallery.deleteAlbum(album, withPictures);
  addToAlbum = (pictures: string[], album: string) => this.gallery.addToAlbum(pictures, album);
  removeFromAlbum = (pictures: string[], album: string) => this.gallery.removeFromAlbum(pictures, album);
  savePictureAs = (picture: string, strip: boolean) => this.gallery.savePictureAs(picture, strip);
  exportPictures = (pictures: string[], strip: boolean) => this.gallery.exportPictures(pictures, strip);
  picturesFolder = async () => '/home/ada/.local/share/dev.edgewise.Edgewise/files/pictures';
  revealPicturesFolder = async () => void this.calls.push('revealPicturesFolder');
  revealPicture = async (picture: string) => void this.calls.push(`revealPicture ${picture}`);
  copyPicture = async (picture: string) => void this.calls.push(`copyPicture ${picture}`);
  readPictureSettings = () => this.gallery.readPictureSettings();
  pictureAsAttachment = (picture: string) => this.gallery.pictureAsAttachment(picture);
  pictureUrl = (picture: string): string => this.gallery.pictureUrl(picture);
  thumbnailUrl = (picture: string): string => this.gallery.thumbnailUrl(picture);

  // --- library ------------------------------------------------------------------------------------------------------

  collections: Backend['collections'] = () => this.library.collections();
  createCollection: Backend['createCollection'] = (...all) => this.library.createCollection(...all);
  updateCollection: Backend['updateCollection'] = (...all) => this.library.updateCollection(...all);
  deleteCollection: Backend['deleteCollection'] = (...all) => this.library.deleteCollection(...all);
  undeleteCollection: Backend['undeleteCollection'] = (...all) => this.library.undeleteCollection(...all);
  documents: Backend['documents'] = (...all) => this.library.documents(...all);
  addPicked: Backend['addPicked'] = (...all) => this.library.addPicked(...all);
  addGrant: Backend['addGrant'] = (...all) => this.library.addGrant(...all);
  addText: Backend['addText'] = (...all) => this.library.addText(...all);
  addAddress: Backend['addAddress'] = (...all) => this.library.addAddress(...all);
  acceptQuote: Backend['acceptQuote'] = (...all) => this.library.acceptQuote(...all);
  declineQuote: Backend['declineQuote'] = (...all) => this.library.declineQuote(...all);
  pauseIngest: Backend['pauseIngest'] = (...all) => this.library.pauseIngest(...all);
  resumeIngest: Backend['resumeIngest'] = (...all) => this.library.resumeIngest(...all);
  stopIngest: Backend['stopIngest'] = (...all) => this.library.stopIngest(...all);
  activeIngests: Backend['activeIngests'] = () => this.library.activeIngests();
  attachIngest: Backend['attachIngest'] = (...all) => this.library.attachIngest(...all);
  retryDocument: Backend['retryDocument'] = (...all) => this.library.retryDocument(...all);
  retryFailed: Backend['retryFailed'] = (...all) => this.library.retryFailed(...all);
  setProviderKey: Backend['setProviderKey'] = async () => 'keychain';
  convertDocument: Backend['convertDocument'] = (...all) => this.library.convertDocument(...all);
  deleteDocuments: Backend['deleteDocuments'] = (...all) => this.library.deleteDocuments(...all);
  undeleteDocuments: Backend['undeleteDocuments'] = (...all) => this.library.undeleteDocuments(...all);
  moveDocuments: Backend['moveDocuments'] = (...all) => this.library.moveDocuments(...all);
  searchPassages: Backend['searchPassages'] = (...all) => this.library.searchPassages(...all);
  passages: Backend['passages'] = (...all) => this.library.passages(...all);
  documentText: Backend['documentText'] = (...all) => this.library.documentText(...all);
  whyAnswer: Backend['whyAnswer'] = (...all) => this.library.whyAnswer(...all);
  watchFolder: Backend['watchFolder'] = (...all) => this.library.watchFolder(...all);
  unwatchFolder: Backend['unwatchFolder'] = (...all) => this.library.unwatchFolder(...all);
  vectorInfo: Backend['vectorInfo'] = () => this.library.vectorInfo();
  exportVectors: Backend['exportVectors'] = (...all) => this.library.exportVectors(...all);
  documentBytes: Backend['documentBytes'] = (...all) => this.library.documentBytes(...all);

  // --- models, usage, settings --------------------------------------------------------------------------------------

  catalogue = async () => ({
    models,
    standardChat: '@cf/zai-org/glm-4.7-flash',
    source: 'live' as const,
    fetchedAt: this.scenario.now - hour,
  });

  async usageToday(): Promise<UsageToday> {
    const simulated = this.accountNow.current?.keptIn === 'simulator';
    const resetsAt = (Math.floor(Date.now() / day) + 1) * day;
    return { neurons: this.neurons, estimated: this.neurons * 0.08, allowance: 10_000, resetsAt, simulated };
  }

  async usageReport(days: number) {
    const line = (label: string, neurons: number): UsageLine => ({
      label,
      neurons,
      estimated: Math.round(neurons * 0.08),
      inputTokens: Math.round(neurons * 31),
      outputTokens: Math.round(neurons * 9),
      calls: Math.max(neurons > 0 ? 1 : 0, Math.round(neurons / 23)),
    });
    const today = await this.usageToday();
    const none = this.scenario.history === 'none';
    const byDay = Array.from({ length: days }, (_, index) => {
      const back = days - 1 - index;
      const label = new Date(Date.now() - back * day).toISOString().slice(0, 10);
      const wave = Math.round(2600 + 2400 * Math.sin(index * 1.7) + 1500 * Math.sin(index * 0.4));
      return line(label, back === 0 ? Math.round(today.neurons) : none || index % 7 === 5 ? 0 : Math.max(0, wave));
    });
    return {
      today,
      byDay,
      byModel: none
        ? []
        : [
            line('@cf/openai/gpt-oss-120b', 8210),
            line('@cf/zai-org/glm-4.7-flash', 3120),
            line('@cf/meta/llama-4-scout-17b-16e-instruct', 1460),
            line('@cf/baai/bge-m3', 210),
          ],
      byTask: none ? [] : [line('textGeneration', 12_790), line('textEmbeddings', 210)],
      byConversation: none ? [] : titles.slice(0, 8).map((title, index) => line(title, Math.round(3800 / (index + 1)))),
    };
  }

  settings = async (): Promise<Settings> => ({ ...this.savedSettings });

  async saveSettings(settings: Settings): Promise<Settings> {
    this.savedSettings = structuredClone(settings);
    return { ...this.savedSettings };
  }

  // --- inside -------------------------------------------------------------------------------------------------------

  private id(kind: string): string {
    this.counter += 1;
    return `${kind}-${this.counter}`;
  }

  private firstAccount(): AccountState {
    const { account, keychain, passphraseNeeded } = this.scenario;
    const cloudflare: Account = {
      key: 'cloudflare-012345',
      accountId: '0123456789abcdef0123456789abcdef',
      name: "Ada's account",
      gateway: null,
      keptIn: passphraseNeeded ? 'encryptedFile' : 'keychain',
    };
    const current = account === 'none' ? null : account === 'simulator' ? simulatorAccount : cloudflare;
    const ready = current !== null && !passphraseNeeded && (current === simulatorAccount || keychain === 'ok');
    return { current, ready, accounts: current ? [current] : [], keychain, passphraseNeeded };
  }

  private setAccount(change: Partial<AccountState>): AccountState {
    this.accountNow = { ...this.accountNow, ...change };
    this.emit({ kind: 'accountChanged', state: this.accountNow });
    return this.accountNow;
  }

  private firstDatabase(): DatabaseState {
    const { now } = this.scenario;
    const copy = (back: number) => ({
      name: `edgewise-${new Date(now - back * day).toISOString().slice(0, 10)}.sqlite`,
      size: 18_400_000 - back * 120_000,
      madeAt: now - back * day,
    });
    switch (this.scenario.database) {
      case 'newer':
        return { kind: 'newer', found: 12, known: 9 };
      case 'damaged':
        return {
          kind: 'damaged',
          detail: 'row 1204 missing from index messages_by_parent',
          copies: [copy(0), copy(1), copy(4)],
        };
      case 'locked':
        return { kind: 'locked' };
      case 'unreadable':
        return { kind: 'unreadable', fault: fault('readOnly', { detail: 'permission denied' }) };
      default:
        return { kind: 'ok' };
    }
  }

  private fill(): void {
    const { history, now } = this.scenario;
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

  private begin(request: SendRequest, at = Date.now()): Conversation {
    const id = this.id('conversation');
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
    this.conversationsById.set(id, conversation);
    return conversation;
  }

  private add(conversation: Conversation, what: Partial<Message> & Pick<Message, 'role' | 'text' | 'parent'>): Message {
    const message: Message = {
      id: this.id('message'),
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

  private conversation(id: string): Conversation {
    const conversation = this.conversationsById.get(id);
    if (!conversation) throw fault('notFound');
    return conversation;
  }

  private find(message: string): [Conversation, Message] {
    for (const conversation of this.conversationsById.values()) {
      const found = conversation.messages.get(message);
      if (found) return [conversation, found];
    }
    throw fault('notFound');
  }

  private pathOf(conversation: Conversation): PathItem[] {
    const path: PathItem[] = [];
    for (let id = conversation.leaf; id;) {
      const message: Message = conversation.messages.get(id)!;
      path.push({ id, role: message.role, length: message.text.length });
      id = message.parent;
    }
    return path.reverse();
  }

  private view(message: Message): MessageView {
    const conversation = this.conversation(message.conversation);
    const siblings =
      conversation.messages.size > 1000
        ? [message.id]
        : [...conversation.messages.values()]
            .filter((each) => each.parent === message.parent && each.role === message.role)
            .map((each) => each.id);
    const run = [...this.runs.values()].find((each) => each.message === message.id);
    return {
      message: structuredClone(message),
      blocks: blocksOf(message.text),
      version: siblings.indexOf(message.id) + 1,
      versions: siblings.length,
      siblings,
      run: run?.id ?? null,
    };
  }

  private change(id: string, what: Partial<ConversationSummary>): ConversationSummary {
    const { summary } = this.conversation(id);
    Object.assign(summary, what);
    this.emit({ kind: 'conversationChanged', conversation: { ...summary } });
    return { ...summary };
  }

  private answer(
    conversation: Conversation,
    question: Message,
    events: Listener<RunEvent>,
    prompt: string,
    model: string | null = null,
  ): Started {
    const answer = this.add(conversation, { role: 'assistant', text: '', parent: question.id, status: 'streaming' });
    if (model) answer.model = model;
    const words = /^(?:画|\/image\b|\/draw\b)\s*(.+)/su.exec(prompt)?.[1];
    if (words && this.savedSettings.pictureWords) return this.draw(conversation, answer, question, events, words);
    const { collections, documents } = conversation.options;
    if (collections.length + documents.length > 0) {
      void this.library.explain(answer.id, prompt, collections, documents);
      const { sources, considered } = this.library.sources(collections, documents);
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
    void this.gallery.makePictures(request, (event) => {
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
      id: this.id('run'),
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
    this.change(run.conversation, { streaming: true, updatedAt: Date.now() });
    return run;
  }

  private started(run: Run, conversation: Conversation, question: Message | null, answer: Message): Started {
    return {
      run: run.id,
      conversation: { ...conversation.summary },
      question: question && this.view(question),
      answer: this.view(answer),
      path: this.pathOf(conversation),
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
    const { fail, failAfter } = this.scenario;
    const run = this.beginRun(conversation, answer, events);
    const reasons = models.find((each) => each.id === answer.model)?.reasoning === true && from === 0;
    let thought = 0;
    let told = from;
    let shown = blocksOf(answer.text);
    const began = Date.now();

    const tick = (): void => {
      if (fail && failAfter === 0) return this.failRun(run, answer, fail);
      if (reasons && thought < thoughts.length && !fail) {
        this.tell(run, { kind: 'thinking', text: thoughts.slice(thought, thought + this.scenario.speed) });
        thought += this.scenario.speed;
        answer.thinking = thoughts.slice(0, thought);
      } else {
        if (answer.firstTokenMs === null) answer.firstTokenMs = Date.now() - began;
        if (answer.thinking) answer.thinkingMs ??= Date.now() - began;
        told = Math.min(text.length, told + this.scenario.speed);
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
    const conversation = this.conversation(run.conversation);
    const first = [...conversation.messages.values()][0];
    const title = conversation.summary.title || (first?.text ?? '').slice(0, 40);
    this.change(run.conversation, { streaming: false, title });
    this.spend(4.1);
  }

  private spend(neurons: number): void {
    this.neurons += neurons;
    void this.usageToday().then((today) => this.emit({ kind: 'usageChanged', today }));
  }

  private finish(run: Run, answer: Message): void {
    Object.assign(answer, { status: 'complete', ...finishedFields(answer.text), firstTokenMs: answer.firstTokenMs });
    this.end(run, { kind: 'finished', view: this.view(answer) });
  }

  private failRun(run: Run, answer: Message, code: FaultCode): void {
    const why = fault(code, failureDetails[code] ?? {});
    const cut = answer.text.length > 0;
    const cuts = ['streamCut', 'timedOut', 'offline'].includes(code);
    Object.assign(answer, { status: cut && cuts ? 'interrupted' : 'failed', fault: why });
    this.end(run, { kind: 'failed', fault: why, view: this.view(answer) });
  }
}

const simulatorAccount: Account = {
  key: 'simulator',
  accountId: '00000000000000000000000000000000',
  name: 'Simulator',
  gateway: null,
  keptIn: 'simulator',
};

const keychainFault: Record<KeychainState, FaultCode> = {
  ok: 'internal',
  locked: 'keychainLocked',
  denied: 'keychainDenied',
  absent: 'keychainMissing',
  silent: 'keychainSilent',
};

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

function finishedFields(text: string): Partial<Message> {
  return {
    finish: 'stop',
    usage: {
      inputTokens: 412,
      outputTokens: Math.ceil(text.length / 4),
      cachedTokens: 256,
      neurons: Math.round(text.length / 6) / 10,
      estimated: text.length % 2 === 0,
    },
    firstTokenMs: 410,
    streamMs: Math.max(300, text.length * 4),
  };
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

const noDraft = (): Draft => ({ text: '', attachments: [], queue: [] });

const fault = (code: FaultCode, more: Partial<Fault> = {}): Fault => ({ code, ...more });

const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

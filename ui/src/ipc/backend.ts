// Everything the window can ask of the Rust side: one method per command, the same names in camel case.
// `tauri.ts` is the real one, `scripted.ts` a stand-in with convincing data. Every method rejects with a `Fault`.

import type {
  AccountState,
  ActiveRun,
  Album,
  AppEvent,
  AppInfo,
  Assistant,
  AssistantId,
  AttachedFiles,
  Attachment,
  AttachmentId,
  Catalogue,
  CheckEvent,
  Collection,
  CollectionSettings,
  ContextMeter,
  ConversationId,
  ConversationOptions,
  ConversationPage,
  ConversationSummary,
  CopyForm,
  Discovery,
  DocumentPage,
  DocumentQuery,
  DocumentText,
  Draft,
  Findings,
  GalleryDay,
  HistoryHit,
  IngestEvent,
  IngestStarted,
  KeptIn,
  KeepIn,
  MessageId,
  MessageView,
  ModelId,
  Passage,
  PassageQuery,
  PlacedLine,
  Picture,
  PictureEvent,
  PictureExport,
  PictureForm,
  PicturePage,
  PictureQuery,
  PictureQuote,
  PictureRequest,
  PictureSettings,
  RunEvent,
  RunId,
  SendRequest,
  Settings,
  Started,
  Transcript,
  UsageReport,
  UsageToday,
  VectorFormat,
  VectorInfo,
  WhyAnswer,
} from './generated/domain';

export type Listener<E> = (event: E) => void;

export type ExportFormat = 'markdown' | 'html' | 'json';

export interface Backend {
  // app
  appInfo(): Promise<AppInfo>;
  subscribe(events: Listener<AppEvent>): Promise<void>;
  /** Opens an http, https or mailto address in the person's browser. */
  openLink(url: string): Promise<void>;
  revealDataFolder(): Promise<void>;
  restoreCopy(name: string): Promise<AppInfo>;
  /** Moves the damaged file aside and begins an empty one. Never deletes. */
  startFresh(): Promise<AppInfo>;

  // account
  accountState(): Promise<AccountState>;
  discoverAccounts(token: string): Promise<Discovery>;
  checkAccount(ticket: string, accountId: string, events: Listener<CheckEvent>): Promise<boolean>;
  connectAccount(ticket: string, accountId: string, keep: KeepIn): Promise<AccountState>;
  tryDemo(): Promise<AccountState>;
  switchAccount(key: string): Promise<AccountState>;
  disconnectAccount(key: string): Promise<AccountState>;
  unlockKeyFile(passphrase: string): Promise<AccountState>;
  retryKeychain(): Promise<AccountState>;

  // chat
  sendMessage(request: SendRequest, events: Listener<RunEvent>): Promise<Started>;
  regenerate(message: MessageId, model: ModelId | null, events: Listener<RunEvent>): Promise<Started>;
  editMessage(
    message: MessageId,
    text: string,
    attachments: AttachmentId[],
    events: Listener<RunEvent>,
  ): Promise<Started>;
  continueAnswer(message: MessageId, events: Listener<RunEvent>): Promise<Started>;
  stopRun(run: RunId): Promise<void>;
  /** Replays the run's events after `after`, then goes on with new ones. */
  attachRun(run: RunId, after: number, events: Listener<RunEvent>): Promise<void>;
  activeRuns(): Promise<ActiveRun[]>;
  contextMeter(
    conversation: ConversationId | null,
    options: ConversationOptions,
    draft: string,
    attachments: AttachmentId[],
  ): Promise<ContextMeter>;
  copyMessage(message: MessageId, form: CopyForm): Promise<string>;

  // history
  conversations(offset: number, limit: number, archived: boolean): Promise<ConversationPage>;
  transcript(conversation: ConversationId): Promise<Transcript>;
  messages(ids: MessageId[]): Promise<MessageView[]>;
  selectVersion(message: MessageId): Promise<Transcript>;
  renameConversation(conversation: ConversationId, title: string): Promise<ConversationSummary>;
  pinConversation(conversation: ConversationId, pinned: boolean): Promise<ConversationSummary>;
  archiveConversation(conversation: ConversationId, archived: boolean): Promise<ConversationSummary>;
  deleteConversation(conversation: ConversationId): Promise<void>;
  undeleteConversation(conversation: ConversationId): Promise<ConversationSummary>;
  forkConversation(message: MessageId): Promise<ConversationSummary>;
  setConversationOptions(conversation: ConversationId, options: ConversationOptions): Promise<ConversationOptions>;
  /** Named ways to begin a conversation, oldest first. */
  assistants(): Promise<Assistant[]>;
  /** A new one, or in the place of `id`. */
  saveAssistant(id: AssistantId | null, name: string, options: ConversationOptions): Promise<Assistant>;
  deleteAssistant(id: AssistantId): Promise<void>;
  saveDraft(conversation: ConversationId | null, draft: Draft): Promise<void>;
  draft(conversation: ConversationId | null): Promise<Draft>;
  searchHistory(query: string, limit: number): Promise<HistoryHit[]>;
  /** Asks where to; null when the person cancelled. */
  exportConversations(ids: ConversationId[], format: ExportFormat): Promise<string | null>;
  importConversations(): Promise<number | null>;
  backUp(): Promise<string | null>;
  restoreBackup(): Promise<boolean>;

  // attach
  attachBytes(name: string, bytes: Uint8Array): Promise<Attachment>;
  /** Each file for itself: one that cannot be taken keeps no other out. Documents come as a grant for the library. */
  attachPicked(): Promise<AttachedFiles>;
  attachGrant(grant: string): Promise<AttachedFiles>;
  /** The address under which the web view may show a stored picture. */
  attachmentUrl(id: AttachmentId): string;

  // pictures
  pictureForm(model: ModelId): Promise<PictureForm>;
  quotePicture(request: PictureRequest): Promise<PictureQuote>;
  /** What the picture would cost that a message asks for; null for a message that asks for none. */
  quoteMessage(text: string): Promise<PictureQuote | null>;
  /** Gives the pending rows at once; what becomes of them comes as events, here and to every subscriber. */
  makePictures(request: PictureRequest, events: Listener<PictureEvent>): Promise<Picture[]>;
  cancelPicture(picture: string): Promise<void>;
  /** Tries again to save a picture that was paid for and is in memory only (`unsaved`). */
  savePictureAgain(picture: string): Promise<Picture>;
  pictures(query: PictureQuery): Promise<PicturePage>;
  galleryDays(query: PictureQuery): Promise<GalleryDay[]>;
  picture(picture: string): Promise<Picture>;
  starPictures(pictures: string[], starred: boolean): Promise<void>;
  deletePictures(pictures: string[]): Promise<void>;
  undeletePictures(pictures: string[]): Promise<void>;
  albums(): Promise<Album[]>;
  createAlbum(name: string): Promise<Album>;
  renameAlbum(album: string, name: string): Promise<Album>;
  deleteAlbum(album: string, withPictures: boolean): Promise<void>;
  addToAlbum(pictures: string[], album: string): Promise<void>;
  removeFromAlbum(pictures: string[], album: string): Promise<void>;
  /** Asks where to; null when the person cancelled. `strip` leaves out everything but the pixels. */
  savePictureAs(picture: string, strip: boolean): Promise<string | null>;
  exportPictures(pictures: string[], strip: boolean): Promise<PictureExport | null>;
  picturesFolder(): Promise<string>;
  revealPicturesFolder(): Promise<void>;
  revealPicture(picture: string): Promise<void>;
  copyPicture(picture: string): Promise<void>;
  /** The settings inside a dropped picture file, ours or a common tool's; null when it holds none. */
  readPictureSettings(grant: string): Promise<PictureSettings | null>;
  pictureAsAttachment(picture: string): Promise<Attachment>;
  /** The addresses under which the web view may show a picture of the gallery, whole and small. */
  pictureUrl(picture: string): string;
  thumbnailUrl(picture: string): string;

  // models, usage, settings
  catalogue(refresh: boolean): Promise<Catalogue>;
  usageToday(): Promise<UsageToday>;
  usageReport(days: number): Promise<UsageReport>;
  settings(): Promise<Settings>;
  saveSettings(settings: Settings): Promise<Settings>;

  // library: a collection that is null is the default one; `conversation:<id>` is that of one conversation
  collections(): Promise<Collection[]>;
  createCollection(name: string, colour: string, settings: CollectionSettings): Promise<Collection>;
  updateCollection(collection: string, name: string, colour: string, settings: CollectionSettings): Promise<Collection>;
  deleteCollection(collection: string): Promise<void>;
  undeleteCollection(collection: string): Promise<Collection>;
  documents(query: DocumentQuery): Promise<DocumentPage>;
  /** Asks which files, or which folder; null when the person cancelled. */
  addPicked(collection: string | null, folder: boolean, events: Listener<IngestEvent>): Promise<IngestStarted | null>;
  addGrant(collection: string | null, grant: string, events: Listener<IngestEvent>): Promise<IngestStarted>;
  addText(
    collection: string | null,
    title: string,
    text: string,
    events: Listener<IngestEvent>,
  ): Promise<IngestStarted>;
  addAddress(collection: string | null, address: string, events: Listener<IngestEvent>): Promise<IngestStarted>;
  acceptQuote(quote: string): Promise<void>;
  declineQuote(quote: string): Promise<void>;
  pauseIngest(run: RunId): Promise<void>;
  resumeIngest(run: RunId): Promise<void>;
  stopIngest(run: RunId): Promise<void>;
  activeIngests(): Promise<IngestStarted[]>;
  attachIngest(run: RunId, events: Listener<IngestEvent>): Promise<void>;
  retryDocument(document: string, password: string | null, events: Listener<IngestEvent>): Promise<IngestStarted>;
  /** Tries everything again that failed in a collection, and goes on with what its last run left; null when there is nothing. */
  retryFailed(collection: string, events: Listener<IngestEvent>): Promise<IngestStarted | null>;
  /** Hands over the key of an embedding provider once, or forgets it (null). Says where it is kept. */
  setProviderKey(url: string, key: string | null): Promise<KeptIn>;
  /** Sends what has no text to Workers AI to be read. Quoted first. */
  convertDocument(document: string, events: Listener<IngestEvent>): Promise<IngestStarted>;
  deleteDocuments(documents: string[]): Promise<void>;
  undeleteDocuments(documents: string[]): Promise<void>;
  moveDocuments(documents: string[], collection: string): Promise<void>;
  searchPassages(query: PassageQuery): Promise<Findings>;
  passages(document: string, offset: number, limit: number): Promise<Passage[]>;
  documentText(document: string): Promise<DocumentText>;
  /** Where a stretch of its text (in characters) is drawn on its pages; empty where that is not known. */
  placedLines(document: string, start: number, end: number): Promise<PlacedLine[]>;
  /** The original's bytes, from the address that `documentText` gave. */
  documentBytes(address: string): Promise<Uint8Array>;
  whyAnswer(message: MessageId): Promise<WhyAnswer | null>;
  /** Asks which folder; null when the person cancelled. */
  watchFolder(collection: string): Promise<Collection | null>;
  unwatchFolder(collection: string): Promise<Collection>;
  vectorInfo(): Promise<VectorInfo[]>;
  /** Asks where to; null when the person cancelled. */
  exportVectors(format: VectorFormat): Promise<string | null>;
}

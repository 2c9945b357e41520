// A backend without Rust: convincing data in memory, answers that stream, faults on request.
// Unit tests and the flows in a browser stand on it; the app itself never imports it. Its parts lie in `scripted/`, by noun.

import type { Backend, Listener } from './backend';
import type {
  AppEvent,
  AppInfo,
  DatabaseState,
  FaultCode,
  PictureEvent,
  PictureQuery,
  PictureRequest,
  Settings,
} from './generated/domain';
import { ScriptedAccount } from './scripted/account';
import { ScriptedAttachments } from './scripted/attachments';
import { ScriptedChat } from './scripted/chat';
import { ScriptedConversations } from './scripted/conversations';
import { databaseOf } from './scripted/database';
import { ScriptedLibrary } from './scripted/library';
import { ScriptedPictures } from './scripted/pictures';
import { Ids, sceneOf, type Scenario, type Scene } from './scripted/scenario';
import { ScriptedSettings } from './scripted/settings';
import { ScriptedUsage } from './scripted/usage';

export type { Scenario } from './scripted/scenario';

export class Scripted implements Backend {
  readonly calls: string[] = [];
  /** What the person chooses in the dialog for files. */
  picked = ['notes.txt'];
  readonly library: ScriptedLibrary;
  readonly gallery: ScriptedPictures;
  private scene: Scene;
  private listeners = new Set<Listener<AppEvent>>();
  private databaseNow: DatabaseState;
  private people: ScriptedAccount;
  private preferences: ScriptedSettings;
  private usage: ScriptedUsage;
  private files: ScriptedAttachments;
  private talks: ScriptedConversations;
  private chat: ScriptedChat;

  constructor(scenario: Scenario = {}) {
    this.scene = sceneOf(scenario);
    const ids = new Ids();
    const tell = (event: AppEvent): void => this.emit(event);
    const spend = (neurons: number): void => this.usage.spend(neurons);
    const simulated = (): boolean => this.people.simulated;
    this.databaseNow = databaseOf(this.scene);
    this.people = new ScriptedAccount({ ids, tell }, this.scene);
    this.preferences = new ScriptedSettings(this.scene.theme);
    this.usage = new ScriptedUsage({ tell, simulated }, this.scene);
    this.files = new ScriptedAttachments({ ids, picked: () => this.picked });
    this.library = new ScriptedLibrary(
      {
        id: (kind) => ids.next(kind),
        changed: (documents) => this.emit({ kind: 'libraryChanged', documents }),
        spend,
        simulated,
      },
      this.scene.now,
      this.scene.library,
    );
    this.talks = new ScriptedConversations({ ids, tell, runOf: (message) => this.chat.runOf(message) }, this.scene);
    this.gallery = new ScriptedPictures(
      {
        now: this.scene.now,
        tell: (event) => this.emit({ kind: 'picture', event }),
        spend,
        called: (call) => this.calls.push(call),
        attach: (name, bytes) => this.attachBytes(name, bytes),
        passesCap: (neurons) => {
          const { softCap } = this.saved;
          return softCap !== null && !simulated() && this.usage.neurons + neurons > softCap;
        },
      },
      this.scene.gallery,
    );
    this.chat = new ScriptedChat(
      {
        ids,
        spend,
        settings: () => this.saved,
        attached: (all) => this.files.of(all),
        library: this.library,
        gallery: this.gallery,
      },
      this.talks,
      this.scene,
    );
  }

  // --- control from tests -----------------------------------------------------------------------------------------------

  emit(event: AppEvent): void {
    for (const listener of this.listeners) listener(event);
  }

  failNext(code: FaultCode | undefined, after = 0): void {
    this.scene.fail = code;
    this.scene.failAfter = after;
  }

  setSpeed(charactersPerTick: number): void {
    this.scene.speed = charactersPerTick;
  }

  /** The settings as they were saved. */
  get saved(): Settings {
    return this.preferences.saved;
  }

  // --- app --------------------------------------------------------------------------------------------------------------

  async appInfo(): Promise<AppInfo> {
    return {
      version: '0.1.0',
      dataDir: '/home/ada/.local/share/dev.edgewise.Edgewise',
      locale: this.saved.locale ?? this.scene.locale,
      platform: 'linux',
      database: this.databaseNow,
    };
  }

  async subscribe(events: Listener<AppEvent>): Promise<void> {
    this.listeners.add(events);
    if (this.scene.savingTrouble) events({ kind: 'savingTrouble', fault: { code: 'diskFull' } });
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
    this.talks.byId.clear();
    return this.appInfo();
  }

  // --- account ----------------------------------------------------------------------------------------------------------

  accountState: Backend['accountState'] = () => this.people.accountState();
  discoverAccounts: Backend['discoverAccounts'] = (...all) => this.people.discoverAccounts(...all);
  checkAccount: Backend['checkAccount'] = (...all) => this.people.checkAccount(...all);
  connectAccount: Backend['connectAccount'] = (...all) => this.people.connectAccount(...all);
  tryDemo: Backend['tryDemo'] = () => this.people.tryDemo();
  switchAccount: Backend['switchAccount'] = (...all) => this.people.switchAccount(...all);
  disconnectAccount: Backend['disconnectAccount'] = (...all) => this.people.disconnectAccount(...all);
  unlockKeyFile: Backend['unlockKeyFile'] = (...all) => this.people.unlockKeyFile(...all);
  retryKeychain: Backend['retryKeychain'] = () => this.people.retryKeychain();

  // --- chat -------------------------------------------------------------------------------------------------------------

  sendMessage: Backend['sendMessage'] = (...all) => this.chat.sendMessage(...all);
  regenerate: Backend['regenerate'] = (...all) => this.chat.regenerate(...all);
  editMessage: Backend['editMessage'] = (...all) => this.chat.editMessage(...all);
  continueAnswer: Backend['continueAnswer'] = (...all) => this.chat.continueAnswer(...all);
  stopRun: Backend['stopRun'] = (...all) => this.chat.stopRun(...all);
  attachRun: Backend['attachRun'] = (...all) => this.chat.attachRun(...all);
  activeRuns: Backend['activeRuns'] = () => this.chat.activeRuns();
  contextMeter: Backend['contextMeter'] = (...all) => this.chat.contextMeter(...all);
  copyMessage: Backend['copyMessage'] = (...all) => this.chat.copyMessage(...all);

  // --- history ----------------------------------------------------------------------------------------------------------

  conversations: Backend['conversations'] = (...all) => this.talks.conversations(...all);
  transcript: Backend['transcript'] = (...all) => this.talks.transcript(...all);
  messages: Backend['messages'] = (...all) => this.talks.messages(...all);
  selectVersion: Backend['selectVersion'] = (...all) => this.talks.selectVersion(...all);
  renameConversation: Backend['renameConversation'] = (...all) => this.talks.renameConversation(...all);
  pinConversation: Backend['pinConversation'] = (...all) => this.talks.pinConversation(...all);
  archiveConversation: Backend['archiveConversation'] = (...all) => this.talks.archiveConversation(...all);
  deleteConversation: Backend['deleteConversation'] = (...all) => this.talks.deleteConversation(...all);
  undeleteConversation: Backend['undeleteConversation'] = (...all) => this.talks.undeleteConversation(...all);
  forkConversation: Backend['forkConversation'] = (...all) => this.talks.forkConversation(...all);
  setConversationOptions: Backend['setConversationOptions'] = (...all) => this.talks.setConversationOptions(...all);
  assistants: Backend['assistants'] = () => this.talks.assistants();
  saveAssistant: Backend['saveAssistant'] = (...all) => this.talks.saveAssistant(...all);
  deleteAssistant: Backend['deleteAssistant'] = (...all) => this.talks.deleteAssistant(...all);
  saveDraft: Backend['saveDraft'] = (...all) => this.talks.saveDraft(...all);
  draft: Backend['draft'] = (...all) => this.talks.draft(...all);
  searchHistory: Backend['searchHistory'] = (...all) => this.talks.searchHistory(...all);
  exportConversations: Backend['exportConversations'] = (...all) => this.talks.exportConversations(...all);
  importConversations: Backend['importConversations'] = () => this.talks.importConversations();
  backUp: Backend['backUp'] = () => this.talks.backUp();
  restoreBackup: Backend['restoreBackup'] = () => this.talks.restoreBackup();

  // --- attach -----------------------------------------------------------------------------------------------------------

  attachBytes: Backend['attachBytes'] = (...all) => this.files.attachBytes(...all);
  attachPicked: Backend['attachPicked'] = () => this.files.attachPicked();
  attachGrant: Backend['attachGrant'] = () => this.files.attachGrant();
  attachmentUrl: Backend['attachmentUrl'] = (...all) => this.files.attachmentUrl(...all);

  // --- pictures ---------------------------------------------------------------------------------------------------------

  pictureForm = (model: string) => this.gallery.pictureForm(model);
  quotePicture = (request: PictureRequest) => this.gallery.quotePicture(request);
  quoteMessage = async (text: string) => (this.preferences.saved.pictureWords ? this.gallery.quoteMessage(text) : null);
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

  // --- library ----------------------------------------------------------------------------------------------------------

  collections: Backend['collections'] = () => this.library.shelves.collections();
  createCollection: Backend['createCollection'] = (...all) => this.library.shelves.createCollection(...all);
  updateCollection: Backend['updateCollection'] = (...all) => this.library.shelves.updateCollection(...all);
  deleteCollection: Backend['deleteCollection'] = (...all) => this.library.shelves.deleteCollection(...all);
  undeleteCollection: Backend['undeleteCollection'] = (...all) => this.library.shelves.undeleteCollection(...all);
  documents: Backend['documents'] = (...all) => this.library.shelves.documents(...all);
  addPicked: Backend['addPicked'] = (...all) => this.library.ingests.addPicked(...all);
  addGrant: Backend['addGrant'] = (...all) => this.library.ingests.addGrant(...all);
  addText: Backend['addText'] = (...all) => this.library.ingests.addText(...all);
  addAddress: Backend['addAddress'] = (...all) => this.library.ingests.addAddress(...all);
  acceptQuote: Backend['acceptQuote'] = (...all) => this.library.ingests.acceptQuote(...all);
  declineQuote: Backend['declineQuote'] = (...all) => this.library.ingests.declineQuote(...all);
  pauseIngest: Backend['pauseIngest'] = (...all) => this.library.ingests.pauseIngest(...all);
  resumeIngest: Backend['resumeIngest'] = (...all) => this.library.ingests.resumeIngest(...all);
  stopIngest: Backend['stopIngest'] = (...all) => this.library.ingests.stopIngest(...all);
  activeIngests: Backend['activeIngests'] = () => this.library.ingests.activeIngests();
  attachIngest: Backend['attachIngest'] = (...all) => this.library.ingests.attachIngest(...all);
  retryDocument: Backend['retryDocument'] = (...all) => this.library.ingests.retryDocument(...all);
  retryFailed: Backend['retryFailed'] = (...all) => this.library.ingests.retryFailed(...all);
  setProviderKey: Backend['setProviderKey'] = async () => 'keychain';
  convertDocument: Backend['convertDocument'] = (...all) => this.library.ingests.convertDocument(...all);
  deleteDocuments: Backend['deleteDocuments'] = (...all) => this.library.shelves.deleteDocuments(...all);
  undeleteDocuments: Backend['undeleteDocuments'] = (...all) => this.library.shelves.undeleteDocuments(...all);
  moveDocuments: Backend['moveDocuments'] = (...all) => this.library.shelves.moveDocuments(...all);
  searchPassages: Backend['searchPassages'] = (...all) => this.library.finding.searchPassages(...all);
  placedLines: Backend['placedLines'] = (...all) => this.library.shelves.placedLines(...all);
  passages: Backend['passages'] = (...all) => this.library.shelves.passages(...all);
  documentText: Backend['documentText'] = (...all) => this.library.shelves.documentText(...all);
  whyAnswer: Backend['whyAnswer'] = (...all) => this.library.finding.whyAnswer(...all);
  watchFolder: Backend['watchFolder'] = (...all) => this.library.shelves.watchFolder(...all);
  unwatchFolder: Backend['unwatchFolder'] = (...all) => this.library.shelves.unwatchFolder(...all);
  vectorInfo: Backend['vectorInfo'] = () => this.library.vectorInfo();
  exportVectors: Backend['exportVectors'] = (...all) => this.library.exportVectors(...all);
  documentBytes: Backend['documentBytes'] = (...all) => this.library.shelves.documentBytes(...all);

  // --- models, usage, settings ------------------------------------------------------------------------------------------

  catalogue: Backend['catalogue'] = () => this.usage.catalogue();
  usageToday: Backend['usageToday'] = () => this.usage.usageToday();
  usageReport: Backend['usageReport'] = (...all) => this.usage.usageReport(...all);
  settings: Backend['settings'] = () => this.preferences.settings();
  saveSettings: Backend['saveSettings'] = (...all) => this.preferences.saveSettings(...all);
}

//! The tree of messages against a plain model: any sequence of turns, versions, selections and reopenings gives the same
//! path, versions and siblings.

mod common;

use common::{NOW, ending, new_conversation, new_message};
use domain::{MessageId, Role};
use proptest::prelude::*;
use std::collections::HashMap;
use store::{Place, Store, Turn, Where};

/// The same tree as nested lists, without SQL.
#[derive(Default)]
struct Model {
    /// id → (parent, role); in order of creation.
    nodes: Vec<(MessageId, Option<MessageId>, Role)>,
    shown_child: HashMap<MessageId, MessageId>,
    leaf: Option<MessageId>,
}

impl Model {
    fn parent(&self, id: &MessageId) -> Option<MessageId> {
        self.nodes.iter().find(|node| node.0 == *id).and_then(|node| node.1.clone())
    }

    fn add(&mut self, id: &MessageId, parent: Option<MessageId>, role: Role) {
        self.nodes.push((id.clone(), parent, role));
        self.show(id);
    }

    fn show(&mut self, id: &MessageId) {
        if let Some(parent) = self.parent(id) {
            self.shown_child.insert(parent, id.clone());
        }
        let mut end = id.clone();
        while let Some(child) = self.shown_child.get(&end) {
            end = child.clone();
        }
        self.leaf = Some(end);
    }

    fn path(&self) -> Vec<MessageId> {
        let mut path: Vec<_> = std::iter::successors(self.leaf.clone(), |id| self.parent(id)).collect();
        path.reverse();
        path
    }

    fn siblings(&self, id: &MessageId) -> Vec<MessageId> {
        let (_, parent, role) = self.nodes.iter().find(|node| node.0 == *id).expect("known");
        let same = self.nodes.iter().filter(|node| node.1 == *parent && node.2 == *role);
        same.map(|node| node.0.clone()).collect()
    }
}

#[derive(Debug, Clone)]
enum Step {
    Ask,
    AskAfter(prop::sample::Index),
    Regenerate(prop::sample::Index),
    Edit(prop::sample::Index),
    StartAgain,
    Select(prop::sample::Index),
    Reopen,
    TrashAndBack,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Ask),
        2 => any::<prop::sample::Index>().prop_map(Step::AskAfter),
        3 => any::<prop::sample::Index>().prop_map(Step::Regenerate),
        3 => any::<prop::sample::Index>().prop_map(Step::Edit),
        1 => Just(Step::StartAgain),
        4 => any::<prop::sample::Index>().prop_map(Step::Select),
        1 => Just(Step::Reopen),
        1 => Just(Step::TrashAndBack),
    ]
}

fn pick(model: &Model, role: Option<Role>, index: prop::sample::Index) -> Option<MessageId> {
    let of_role: Vec<_> = model.nodes.iter().filter(|node| role.is_none_or(|role| node.2 == role)).collect();
    (!of_role.is_empty()).then(|| index.get(&of_role).0.clone())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_turns_and_choices_equals_the_model(steps in prop::collection::vec(step(), 1..40)) {
        let dir = tempfile::tempdir().expect("folder");
        let mut store = Store::open(dir.path(), NOW).expect("opens");
        store.create_conversation(&new_conversation("c")).expect("made");
        let mut model = Model::default();
        for (number, step) in steps.into_iter().enumerate() {
            let turn = |place, asks: bool| Turn {
                conversation: Where::Existing("c".into()),
                place,
                question: asks.then(|| new_message(&format!("q{number}"), "question")),
                answer: new_message(&format!("a{number}"), ""),
                run: format!("r{number}").into(),
                at: NOW,
            };
            let (turn, parent) = match step {
                Step::Ask => (turn(Place::End, true), model.leaf.clone()),
                Step::AskAfter(index) => match pick(&model, Some(Role::Assistant), index) {
                    Some(id) => (turn(Place::After(id.clone()), true), Some(id)),
                    None => continue,
                },
                Step::Regenerate(index) => match pick(&model, Some(Role::Assistant), index) {
                    Some(id) => (turn(Place::Beside(id.clone()), false), model.parent(&id)),
                    None => continue,
                },
                Step::Edit(index) => match pick(&model, Some(Role::User), index) {
                    Some(id) => (turn(Place::Beside(id.clone()), true), model.parent(&id)),
                    None => continue,
                },
                Step::StartAgain => (turn(Place::Start, true), None),
                Step::Select(index) => {
                    if let Some(id) = pick(&model, None, index) {
                        store.select_version(&id).expect("selected");
                        model.show(&id);
                    }
                    continue;
                }
                Step::Reopen => {
                    drop(store);
                    store = Store::open(dir.path(), NOW).expect("opens again");
                    continue;
                }
                Step::TrashAndBack => {
                    store.delete_conversation(&"c".into(), NOW).expect("deleted");
                    prop_assert_eq!(store.purge_trash(domain::Timestamp(0)).expect("purged"), 0);
                    store.restore_conversation(&"c".into()).expect("undone");
                    continue;
                }
            };
            store.begin_turn(&turn).expect("begins");
            let mut parent = parent;
            if let Some(question) = &turn.question {
                model.add(&question.id, parent, Role::User);
                parent = Some(question.id.clone());
            }
            model.add(&turn.answer.id, parent, Role::Assistant);
            store.end_answer(&ending(&turn.answer.id, "answer")).expect("ends");
        }
        let path: Vec<_> =
            store.path(&"c".into(), None).expect("path").into_iter().map(|item| item.id).collect();
        prop_assert_eq!(path, model.path());
        for (id, parent, role) in &model.nodes {
            let stored = store.message(id).expect("there");
            prop_assert_eq!(&stored.message.parent, parent);
            prop_assert_eq!(stored.message.role, *role);
            let siblings = model.siblings(id);
            prop_assert_eq!(stored.versions as usize, siblings.len());
            prop_assert_eq!(&siblings[stored.version as usize - 1], id);
            prop_assert_eq!(stored.siblings, siblings);
        }
        prop_assert_eq!(store.integrity().expect("checked"), Vec::<String>::new());
    }

    #[test]
    fn a_journal_in_any_pieces_gives_the_text(pieces in prop::collection::vec(("\\PC{0,12}", "\\PC{0,6}"), 0..20)) {
        let store = Store::in_memory().expect("opens");
        let (_, answer) = common::begin(&store, "c", 1, "?");
        let (mut text, mut thinking) = (String::new(), String::new());
        for (number, (more, thought)) in pieces.iter().enumerate() {
            text.push_str(more);
            thinking.push_str(thought);
            if number % 3 != 2 {
                store.journal_answer(&answer, &text, &thinking).expect("journalled");
            }
        }
        store.journal_answer(&answer, &text, &thinking).expect("journalled");
        store.recover(NOW).expect("recovers");
        let read = store.message(&answer).expect("there").message;
        prop_assert_eq!(read.text, text);
        prop_assert_eq!(read.thinking.unwrap_or_default(), thinking);
    }
}

//! Caches the structure of records: the nodes of their tree, and the text between one value and the next. Records of a body are
//! alike, so the text that followed a value last time is tried before parsing byte by byte.
//!
//! A node also determines the open containers and their kinds, and so the state of the grammar. Whatever was valid after a
//! node once is therefore always valid after it.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use wide::u8x16;

use crate::record::Role;
use crate::scan::{self, BLOCK, Block};

/// The maximum number of nodes, which bounds the memory for a body with ever more keys.
const MAX_NODES: usize = 2000;
/// The maximum number of values per container, so that one whose keys are ids leaves room for the others.
const MAX_VALUES: usize = 200;
/// Of so many misses, one is learned if both places are taken.
const MISSES: u8 = 8;
/// Deeper nodes are not cached.
const MAX_NODE_DEPTH: u8 = 64;

/// A node of the tree: a value (`tags[].name`), or the inside of a container, right after its opening bracket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NodeId(u32);

impl NodeId {
    /// The inside of a record.
    pub const RECORD: Self = Self(0);
    /// Any node that is not cached.
    pub const UNKNOWN: Self = Self(u32::MAX);
}

/// The known nodes.
pub struct ShapeCache {
    nodes: Vec<Node>,
    /// For the inside of a container: the nodes of its values, by name.
    values: Vec<Values>,
    /// Whether any transition has line breaks.
    pub has_breaks: bool,
}

type Values = HashMap<Box<[u8]>, NodeId, RandomState>;

/// What comes after a value or an opening bracket.
pub enum Next {
    /// A value that starts there.
    Value { to: NodeId, begin: usize },
    /// The end of the container around it, which is the end of this value.
    End { value: NodeId, end: usize },
}

struct Node {
    /// The two transitions learned last, the latest first.
    transitions: [Option<Transition>; 2],
    /// For a value: the insides of the array and of the object that were found here.
    insides: [NodeId; 2],
    /// How often none of the transitions matched.
    misses: u8,
    parent: NodeId,
    role: Role,
    depth: u8,
    /// For the inside of a container: whether it is an object. Otherwise it is an array.
    is_object: bool,
}

/// The text between two values, and the node of the second.
pub struct Transition {
    text: Block,
    /// All ones after the end of the text.
    rest: Block,
    pub length: usize,
    pub to: NodeId,
    pub role: Role,
    /// Whether the text has line breaks, which are not part of the record, and where.
    has_breaks: bool,
    breaks: scan::Breaks,
}

impl Default for ShapeCache {
    fn default() -> Self {
        Self {
            nodes: vec![Node::new(NodeId::UNKNOWN, 0, true)],
            values: vec![Values::default()],
            has_breaks: false,
        }
    }
}

impl Node {
    fn new(parent: NodeId, depth: u8, is_object: bool) -> Self {
        Self {
            transitions: [None, None],
            insides: [NodeId::UNKNOWN; 2],
            misses: 0,
            parent,
            role: Role::Plain,
            depth,
            is_object,
        }
    }
}

impl ShapeCache {
    /// The node of the field with this name inside an object, or of the elements inside an array, whose name is empty. `None` if
    /// unknown.
    pub fn known_value(&self, inside: NodeId, name: &[u8]) -> Option<NodeId> {
        self.values.get(inside.0 as usize)?.get(name).copied()
    }

    /// The same node as [`Self::known_value`], added to the cache if necessary.
    pub fn value(&mut self, inside: NodeId, name: &[u8]) -> NodeId {
        let is_full = |values: &Values| inside != NodeId::RECORD && values.len() >= MAX_VALUES;
        if let Some(node) = self.known_value(inside, name) {
            return node;
        }
        if self.values.get(inside.0 as usize).is_none_or(is_full) {
            return NodeId::UNKNOWN;
        }
        let node = self.add(inside, false);
        if node != NodeId::UNKNOWN {
            self.values[inside.0 as usize].insert(name.into(), node);
        }
        node
    }

    /// The inside of the object or array at a value's node, added to the cache if necessary.
    pub fn inside(&mut self, value: NodeId, is_object: bool) -> NodeId {
        let mut inside = self.known_inside(value, is_object);
        if inside == NodeId::UNKNOWN {
            inside = self.add(value, is_object);
            if let Some(node) = self.nodes.get_mut(value.0 as usize) {
                node.insides[usize::from(is_object)] = inside;
            }
        }
        inside
    }

    #[inline]
    pub fn known_inside(&self, value: NodeId, is_object: bool) -> NodeId {
        self.node(value)
            .map_or(NodeId::UNKNOWN, |node| node.insides[usize::from(is_object)])
    }

    /// The value that this is the inside of.
    pub fn outside(&self, inside: NodeId) -> NodeId {
        self.node(inside)
            .map_or(NodeId::UNKNOWN, |node| node.parent)
    }

    /// The role of the value at a node: plain, unless another one was set.
    #[inline]
    pub fn role(&self, node: NodeId) -> Role {
        self.node(node).map_or(Role::Plain, |node| node.role)
    }

    pub fn set_role(&mut self, node: NodeId, role: Role) {
        if let Some(node) = self.nodes.get_mut(node.0 as usize) {
            node.role = role;
        }
    }

    /// Whether a node is the inside of a container rather than a value.
    pub fn is_inside(&self, node: NodeId) -> bool {
        self.node(node).is_some_and(|node| node.depth % 2 == 0)
    }

    /// The insides of the containers that are open at a node, innermost first, except for the record itself. Each with whether it
    /// is an object.
    pub fn open(&self, node: NodeId) -> impl Iterator<Item = (NodeId, bool)> {
        let parent = |node: NodeId| self.node(node).map(|node| node.parent);
        let first = if self.is_inside(node) {
            Some(node)
        } else {
            parent(node)
        };
        std::iter::successors(first, move |inside| parent(parent(*inside)?))
            .take_while(|inside| *inside != NodeId::RECORD)
            .filter_map(|inside| Some((inside, self.node(inside)?.is_object)))
    }

    /// The learned transition from a node that matches the start of the text, and the block where the next value starts. `None`
    /// near the end of the text.
    #[inline]
    pub fn step<'a>(&self, from: NodeId, text: &'a [u8]) -> Option<(&Transition, &'a Block)> {
        let window = text.first_chunk::<{ 2 * BLOCK }>()?;
        let (between, _) = window.split_first_chunk()?;
        let [first, second] = &self.node(from)?.transitions;
        let transition = match first {
            Some(first) if first.matches(between) => first,
            _ => second.as_ref().filter(|second| second.matches(between))?,
        };
        Some((transition, window.get(transition.length..)?.first_chunk()?))
    }

    /// What comes after a value or an opening bracket where no transition matches: another key, or whitespace. `None` for what is
    /// invalid, not cached, not complete in the chunk, or the end of the record.
    #[inline(never)]
    pub fn next(&self, last: NodeId, chunk: &[u8], at: usize) -> Option<Next> {
        let node = self.node(last)?;
        let is_value = node.depth % 2 == 1;
        let inside = if is_value { node.parent } else { last };
        let container = self.node(inside)?;
        let mut at = scan::skip_blank(chunk, at);
        match *chunk.get(at)? {
            bracket @ (b'}' | b']') => {
                let is_end = inside != NodeId::RECORD && (bracket == b'}') == container.is_object;
                return is_end.then_some(Next::End {
                    value: container.parent,
                    end: at + 1,
                });
            }
            b',' if is_value => at = scan::skip_blank(chunk, at + 1),
            _ if is_value => return None,
            _ => {}
        }
        let mut name: &[u8] = b"";
        if container.is_object {
            name = scan::name(chunk, at)?;
            at = scan::skip_blank(chunk, at + name.len() + 2);
            if *chunk.get(at)? != b':' {
                return None;
            }
            at = scan::skip_blank(chunk, at + 1);
        }
        let to = self.known_value(inside, name)?;
        Some(Next::Value { to, begin: at })
    }

    /// The same as [`Self::learn`] where no transition matched. Among many that take turns, only some are worth the work.
    pub fn learn_after_miss(&mut self, from: NodeId, to: NodeId, text: &[u8]) {
        let Some(node) = self.nodes.get_mut(from.0 as usize) else {
            return;
        };
        node.misses = node.misses.wrapping_add(1);
        let is_due = node.misses.is_multiple_of(MISSES) || node.transitions[1].is_none();
        if is_due && text.len() <= BLOCK {
            self.learn(from, to, text);
        }
    }

    /// Learns that `to` followed `from`, with this text in between.
    pub fn learn(&mut self, from: NodeId, to: NodeId, text: &[u8]) {
        let Some(&Node { role, .. }) = self.node(to) else {
            return;
        };
        let Some(node) = self.nodes.get_mut(from.0 as usize) else {
            return;
        };
        let is_known = |known: &Transition| known.to == to && known.has_text(text);
        if !node.transitions.iter().flatten().any(is_known)
            && let Some(transition) = Transition::new(text, to, role)
        {
            self.has_breaks |= transition.has_breaks;
            node.transitions.swap(0, 1);
            node.transitions[0] = Some(transition);
        }
    }

    fn add(&mut self, parent: NodeId, is_object: bool) -> NodeId {
        let has_room = self.nodes.len() < MAX_NODES || parent == NodeId::RECORD;
        match (self.node(parent), u32::try_from(self.nodes.len())) {
            (Some(Node { depth, .. }), Ok(number)) if has_room && *depth < MAX_NODE_DEPTH => {
                let node = Node::new(parent, depth + 1, is_object);
                self.nodes.push(node);
                self.values.push(Values::default());
                NodeId(number)
            }
            _ => NodeId::UNKNOWN,
        }
    }

    #[inline]
    fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(id.0 as usize)
    }
}

impl Transition {
    /// `None` if the text is too long, or has an escape that must be repaired each time.
    fn new(text: &[u8], to: NodeId, role: Role) -> Option<Self> {
        if text.windows(2).any(|pair| pair == b"\\u") {
            return None;
        }
        let mut bytes = [0; BLOCK];
        bytes.get_mut(..text.len())?.copy_from_slice(text);
        let mut rest = [u8::MAX; BLOCK];
        rest[..text.len()].fill(0);
        let (breaks, has_breaks) = scan::runs_of_breaks(text)?;
        Some(Self {
            text: bytes,
            rest,
            length: text.len(),
            to,
            role,
            has_breaks,
            breaks,
        })
    }

    #[inline]
    fn matches(&self, here: &Block) -> bool {
        let ((text, _), (rest, _), (here, _)) = (
            self.text.as_chunks(),
            self.rest.as_chunks(),
            here.as_chunks(),
        );
        let part = |number: usize| {
            u8x16::new(here[number]).simd_eq(u8x16::new(text[number])) | u8x16::new(rest[number])
        };
        (part(0) & part(1) & part(2)).to_bitmask() == 0xffff
    }

    /// The line breaks in the text: where each run begins and ends.
    pub fn breaks(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let breaks = self.breaks.into_iter();
        breaks
            .take_while(|(_, end)| *end > 0)
            .map(|(begin, end)| (begin.into(), end.into()))
    }

    fn has_text(&self, text: &[u8]) -> bool {
        self.text[..self.length] == *text
    }
}

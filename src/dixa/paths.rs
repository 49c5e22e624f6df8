//! Where values stand in records, and what stands between them: records of a body are alike, so what stood after a value
//! the last time is tried before anything is looked at byte by byte.
//!
//! A place is a place of the grammar, too: it stands for the containers that are open there, and their kinds. So what was
//! allowed after it once is allowed after it always.

use std::collections::HashMap;

use wide::u8x16;

use crate::dixa::fields::Role;
use crate::dixa::skip::{BLOCK, Block};

/// So many places are remembered; a body that makes them up without end costs no more memory than these.
const MAX_PLACES: usize = 2000;
/// Of one container, so many: one whose keys are ids must not take the room of the others.
const MAX_VALUES: usize = 200;
/// Deeper places are not remembered.
const MAX_DEPTH: u8 = 64;

/// A value's place (`tags[].name`), or that of a container's inside, right after its opening bracket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place(u32);

impl Place {
    /// The inside of a record.
    pub const RECORD: Self = Self(0);
    /// Any that is not remembered.
    pub const UNKNOWN: Self = Self(u32::MAX);
}

/// The places that were seen.
pub struct Paths {
    nodes: Vec<Node>,
    /// Of an inside: its values' places, by their names.
    values: Vec<HashMap<Box<[u8]>, Place>>,
}

struct Node {
    /// The two ways on from here that were learned last, the last one first.
    steps: [Option<Step>; 2],
    /// Of a value: the insides of the array and of the object that stood here.
    insides: [Place; 2],
    parent: Place,
    depth: u8,
    /// Of an inside: it is an object's, else an array's.
    is_object: bool,
}

/// What stood between two values, and the place of the second.
pub struct Step {
    text: Block,
    /// All ones behind the text.
    rest: Block,
    pub length: usize,
    pub to: Place,
    pub role: Role,
}

impl Default for Paths {
    fn default() -> Self {
        Self {
            nodes: vec![Node::new(Place::UNKNOWN, 0, true)],
            values: vec![HashMap::new()],
        }
    }
}

impl Node {
    fn new(parent: Place, depth: u8, is_object: bool) -> Self {
        Self {
            steps: [None, None],
            insides: [Place::UNKNOWN; 2],
            parent,
            depth,
            is_object,
        }
    }
}

impl Paths {
    /// The place inside an object of the field with this name, or of the elements inside an array, by no name; if it is known.
    pub fn known_value(&self, inside: Place, name: &[u8]) -> Option<Place> {
        self.values.get(inside.0 as usize)?.get(name).copied()
    }

    /// The place inside an object of the field with this name, or of the elements inside an array, by no name.
    pub fn value(&mut self, inside: Place, name: &[u8]) -> Place {
        let is_full =
            |values: &HashMap<_, _>| inside != Place::RECORD && values.len() >= MAX_VALUES;
        if let Some(place) = self.known_value(inside, name) {
            return place;
        }
        if self.values.get(inside.0 as usize).is_none_or(is_full) {
            return Place::UNKNOWN;
        }
        let place = self.add(inside, false);
        if place != Place::UNKNOWN {
            self.values[inside.0 as usize].insert(name.into(), place);
        }
        place
    }

    /// The inside of the object or array that stands at a value's place.
    pub fn inside(&mut self, value: Place, is_object: bool) -> Place {
        let mut inside = self.known_inside(value, is_object);
        if inside == Place::UNKNOWN {
            inside = self.add(value, is_object);
            if let Some(node) = self.nodes.get_mut(value.0 as usize) {
                node.insides[usize::from(is_object)] = inside;
            }
        }
        inside
    }

    #[inline]
    pub fn known_inside(&self, value: Place, is_object: bool) -> Place {
        self.node(value)
            .map_or(Place::UNKNOWN, |node| node.insides[usize::from(is_object)])
    }

    /// The value whose inside this is.
    pub fn outside(&self, inside: Place) -> Place {
        self.node(inside).map_or(Place::UNKNOWN, |node| node.parent)
    }

    /// It is the inside of a container, and no value.
    pub fn is_inside(&self, place: Place) -> bool {
        self.node(place).is_some_and(|node| node.depth % 2 == 0)
    }

    /// The insides of the containers that are open at a place, from the innermost to the record's, which is left out; and
    /// whether they are objects.
    pub fn open(&self, place: Place) -> impl Iterator<Item = (Place, bool)> {
        let parent = |place: Place| self.node(place).map(|node| node.parent);
        let first = if self.is_inside(place) {
            Some(place)
        } else {
            parent(place)
        };
        std::iter::successors(first, move |inside| parent(parent(*inside)?))
            .take_while(|inside| *inside != Place::RECORD)
            .filter_map(|inside| Some((inside, self.node(inside)?.is_object)))
    }

    /// If the text begins with what was learned to stand after `from`: the step to the next value, and the block that
    /// this begins. None near the end of the text.
    #[inline]
    pub fn step<'a>(&self, from: Place, text: &'a [u8]) -> Option<(&Step, &'a Block)> {
        let window = text.first_chunk::<{ 2 * BLOCK }>()?;
        let (between, _) = window.split_first_chunk()?;
        let [first, second] = &self.node(from)?.steps;
        let step = match first {
            Some(step) if step.is_at(between) => step,
            _ => second.as_ref().filter(|step| step.is_at(between))?,
        };
        Some((step, window.get(step.length..)?.first_chunk()?))
    }

    /// After `from` came `to`, with this text before it.
    pub fn learn(&mut self, from: Place, to: Place, role: Role, text: &[u8]) {
        if self.node(to).is_none() {
            return;
        }
        let Some(node) = self.nodes.get_mut(from.0 as usize) else {
            return;
        };
        let is_known = |step: &Step| step.to == to && step.is(text);
        if !node.steps.iter().flatten().any(is_known)
            && let Some(step) = Step::new(text, to, role)
        {
            node.steps.swap(0, 1);
            node.steps[0] = Some(step);
        }
    }

    fn add(&mut self, parent: Place, is_object: bool) -> Place {
        let has_room = self.nodes.len() < MAX_PLACES || parent == Place::RECORD;
        match (self.node(parent), u32::try_from(self.nodes.len())) {
            (Some(Node { depth, .. }), Ok(number)) if has_room && *depth < MAX_DEPTH => {
                let node = Node::new(parent, depth + 1, is_object);
                self.nodes.push(node);
                self.values.push(HashMap::new());
                Place(number)
            }
            _ => Place::UNKNOWN,
        }
    }

    #[inline]
    fn node(&self, place: Place) -> Option<&Node> {
        self.nodes.get(place.0 as usize)
    }
}

impl Step {
    /// `None` if the text is too long.
    fn new(text: &[u8], to: Place, role: Role) -> Option<Self> {
        let mut bytes = [0; BLOCK];
        bytes.get_mut(..text.len())?.copy_from_slice(text);
        let mut rest = [u8::MAX; BLOCK];
        rest[..text.len()].fill(0);
        Some(Self {
            text: bytes,
            rest,
            length: text.len(),
            to,
            role,
        })
    }

    #[inline]
    fn is_at(&self, here: &Block) -> bool {
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

    fn is(&self, text: &[u8]) -> bool {
        self.text[..self.length] == *text
    }
}

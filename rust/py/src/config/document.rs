//! A file of stored objects, taken apart: which objects there are, and which of them are needed.

use std::collections::HashMap;

use jiter::{JsonObject, JsonValue};
use pyo3::prelude::*;

use super::json::Place;
use super::stored::{Reference, each_reference, member, number, text};
use crate::errors;

/// Newest version of the format that is understood.
const NEWEST: i64 = 4;

/// One stored object.
#[derive(Default)]
pub(crate) struct Definition<'a> {
    pub(crate) id: i64,
    pub(crate) module: &'a str,
    /// Qualified name of the class.
    pub(crate) class: &'a str,
    pub(crate) typename: Option<&'a str>,
    pub(crate) type_id: Option<&'a str>,
    /// Source of a module that is in no package.
    pub(crate) file: Option<&'a str>,
    pub(crate) identifier: Option<&'a str>,
    /// Number of the task whose output it is.
    pub(crate) task: Option<i64>,
    pub(crate) init_tasks: Vec<i64>,
    pub(crate) pre_tasks: Vec<i64>,
    pub(crate) meta: Option<bool>,
    /// Only a reference: the object gives others their identity, its own fields are not in the file.
    pub(crate) stub: bool,
    pub(crate) fields: Option<&'a JsonObject<'a>>,
    /// Where the same object is in the file of ancestors.
    pub(crate) same: Option<Place>,
}

fn string<'a>(value: &'a JsonValue<'a>) -> Option<&'a str> {
    if let JsonValue::Str(text) = value { Some(text) } else { None }
}

fn integer(value: &JsonValue<'_>) -> Option<i64> {
    if let JsonValue::Int(number) = value { Some(*number) } else { None }
}

fn integers(value: &JsonValue<'_>) -> Vec<i64> {
    if let JsonValue::Array(items) = value { items.iter().filter_map(integer).collect() } else { Vec::new() }
}

impl<'a> Definition<'a> {
    fn parse(py: Python<'_>, value: &'a JsonValue<'a>) -> PyResult<Self> {
        let mut found = Self::of_members(py, value)?;
        found.id = number(value, "id").ok_or_else(|| errors::load(py, "the file is damaged: object without id"))?;
        if found.fields.is_none() && !found.stub {
            return Err(errors::load(py, format!("the file is damaged: {} has no fields", found.describe())));
        }
        Ok(found)
    }

    /// What is told of an object, however little.
    pub(crate) fn of_members(py: Python<'_>, value: &'a JsonValue<'a>) -> PyResult<Self> {
        let JsonValue::Object(members) = value else {
            return Err(errors::load(py, "the file is damaged: among its objects is something that is none"));
        };
        let mut found = Self::default();
        for (key, value) in members.iter() {
            match key.as_ref() {
                "module" => found.module = string(value).unwrap_or_default(),
                "type" => found.class = string(value).unwrap_or_default(),
                "typename" => found.typename = string(value),
                "type-id" => found.type_id = string(value),
                "file" => found.file = string(value),
                "identifier" => found.identifier = string(value).or_else(|| text(value, "main")),
                "task" => found.task = integer(value),
                "init-tasks" => found.init_tasks = integers(value),
                "pre-tasks" => found.pre_tasks = integers(value),
                "meta" => found.meta = if let JsonValue::Bool(flag) = value { Some(*flag) } else { None },
                "same" => {
                    if let [at, number] = integers(value)[..] {
                        found.same = Place::of(at, number);
                    }
                }
                "stub" => found.stub = matches!(value, JsonValue::Bool(true)),
                "fields" => found.fields = if let JsonValue::Object(fields) = value { Some(fields) } else { None },
                _ => {}
            }
        }
        Ok(found)
    }

    /// The objects in the file of ancestors that its values are or hold, but for tasks.
    pub(crate) fn elsewhere(&self, found: &mut Vec<Place>) {
        self.each_reference(&mut |it| {
            if let Reference::Elsewhere(place, None) = it {
                found.push(place);
            }
        });
    }

    /// The submitted tasks there, with what is told of them.
    pub(crate) fn tasks_elsewhere(&self, found: &mut Vec<(Place, &'a JsonValue<'a>)>) {
        self.each_reference(&mut |it| {
            if let Reference::Elsewhere(place, Some(task)) = it {
                found.push((place, task));
            }
        });
    }

    fn each_reference(&self, meet: &mut impl FnMut(Reference<'a, 'a>)) {
        for (_, field) in self.fields.iter().flat_map(|fields| fields.iter()) {
            each_reference(field, meet);
        }
    }

    /// The object, in an error message.
    pub(crate) fn describe(&self) -> String {
        format!("object {} of class {}", self.id, self.name())
    }

    /// `module.Class`.
    pub(crate) fn name(&self) -> String {
        match self.typename {
            Some(name) => name.to_owned(),
            None => format!("{}.{}", self.module, self.class),
        }
    }

    fn below(&self, with_task: bool, found: &mut Vec<i64>) {
        self.each_reference(&mut here(found));
        found.extend(&self.init_tasks);
        found.extend(&self.pre_tasks);
        if with_task {
            found.extend(self.task);
        }
    }
}

/// Collects numbers of objects of the same list.
fn here<'a, 'j: 'a>(found: &mut Vec<i64>) -> impl FnMut(Reference<'a, 'j>) {
    |it| {
        if let Reference::Here(number) = it {
            found.push(number);
        }
    }
}

/// Where in the list an object with a number is: nearly always at that place.
struct Positions(Option<HashMap<i64, usize>>);

impl Positions {
    fn of(definitions: &[Definition<'_>]) -> Self {
        let in_order = definitions.iter().enumerate().all(|(index, it)| usize::try_from(it.id) == Ok(index));
        Self((!in_order).then(|| definitions.iter().enumerate().map(|(index, it)| (it.id, index)).collect()))
    }

    fn get(&self, id: i64, count: usize) -> Option<usize> {
        match &self.0 {
            None => usize::try_from(id).ok().filter(|index| *index < count),
            Some(map) => map.get(&id).copied(),
        }
    }
}

/// What is asked of a file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// `data` if the file has it, else the last object.
    Main,
    /// All objects.
    Every,
}

/// A file of objects.
pub(crate) struct Document<'a> {
    pub(crate) version: i64,
    pub(crate) workspace: Option<&'a str>,
    pub(crate) tags: Option<&'a JsonValue<'a>>,
    /// The file of ancestors, from the folder of the job.
    pub(crate) ancestors: Option<&'a str>,
    /// What was saved, in terms of the objects; without it, the last object is the main one.
    pub(crate) data: Option<&'a JsonValue<'a>>,
    pub(crate) definitions: Vec<Definition<'a>>,
    positions: Positions,
}

impl<'a> Document<'a> {
    /// Take a file apart: an envelope with `objects`, or the bare list of them.
    pub(crate) fn parse(py: Python<'_>, file: &'a JsonValue<'a>) -> PyResult<Self> {
        let version = number(file, "version").unwrap_or(0);
        if version > NEWEST {
            return Err(errors::load(
                py,
                format!(
                    "the file has version {version}, and this release reads up to version {NEWEST}: upgrade experimaestro"
                ),
            ));
        }
        let objects = match file {
            JsonValue::Array(objects) => objects,
            _ => match member(file, "objects") {
                Some(JsonValue::Array(objects)) => objects,
                _ => return Err(errors::load(py, "the file is damaged: it has no list of objects")),
            },
        };
        let definitions = objects.iter().map(|it| Definition::parse(py, it)).collect::<PyResult<Vec<_>>>()?;
        let data = member(file, "data");
        if definitions.is_empty() && data.is_none() {
            return Err(errors::load(py, "the file is damaged: its list of objects is empty"));
        }
        let positions = Positions::of(&definitions);
        Ok(Self {
            version,
            workspace: text(file, "workspace"),
            tags: member(file, "tags"),
            ancestors: text(file, "ancestors"),
            data,
            definitions,
            positions,
        })
    }

    /// Place of an object in the list.
    pub(crate) fn position(&self, id: i64) -> Option<usize> {
        self.positions.get(id, self.definitions.len())
    }

    /// Which objects must be built: those that are reached from what is wanted, through task links only `with_tasks`.
    pub(crate) fn needed(&self, wanted: Wanted, with_tasks: bool) -> Vec<bool> {
        let mut pending = Vec::new();
        match (wanted, self.data) {
            (Wanted::Every, _) => return vec![true; self.definitions.len()],
            (Wanted::Main, Some(data)) => each_reference(data, &mut here(&mut pending)),
            (Wanted::Main, None) => pending.extend(self.definitions.last().map(|it| it.id)),
        }
        self.needed_for(pending, with_tasks, |_| false)
    }

    /// The same for the objects with these numbers; those that are `known`, but for these, are there already.
    pub(crate) fn needed_for(
        &self,
        mut pending: Vec<i64>,
        with_tasks: bool,
        known: impl Fn(usize) -> bool,
    ) -> Vec<bool> {
        let mut needed = vec![false; self.definitions.len()];
        let first = pending.clone();
        while let Some(id) = pending.pop() {
            if let Some(position) = self.position(id)
                && !needed[position]
                && (!known(position) || first.contains(&id))
            {
                needed[position] = true;
                self.definitions[position].below(with_tasks, &mut pending);
            }
        }
        needed
    }
}

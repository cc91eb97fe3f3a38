//! Values as JSON that people can read: golden vectors and `identity.json`.
//!
//! What JSON has is written as such (a number with a point or an exponent is a float); everything else is an object with
//! one key that says what it is. `docs/identifiers.md` has the table.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Number, Value as Json, json};

use super::{Array, Document, Enumerated, Float, Integer, Node, Reference, Value};
use crate::identifier::Digest;

/// Beyond, some JSON readers turn integers into floats.
const LARGEST_EXACT: u64 = 1 << 53;

/// JSON that is not in this notation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct NotationError {
    /// Where, as a path from the top (`parameters.x.dict`).
    pub place: String,
    /// What was expected.
    pub problem: String,
}

type Result<T> = std::result::Result<T, NotationError>;

fn wrong<T>(place: &str, problem: impl Into<String>) -> Result<T> {
    Err(NotationError {
        place: if place.is_empty() { "top".to_owned() } else { place.to_owned() },
        problem: problem.into(),
    })
}

/// Writes a value.
///
/// ```
/// use experimaestro_core::value::{Value, notation};
/// let value = Value::Tuple(vec![Value::Int(1.into()), Value::Str("a".into())]);
/// assert_eq!(notation::from_value(&value).to_string(), r#"{"tuple":[1,"a"]}"#);
/// ```
pub fn from_value(value: &Value) -> Json {
    let list = |elements: &[Value]| Json::Array(elements.iter().map(from_value).collect());
    match value {
        Value::None => Json::Null,
        Value::Bool(value) => Json::Bool(*value),
        Value::Int(value) => match value.to_i64() {
            Some(small) if small.unsigned_abs() <= LARGEST_EXACT => json!(small),
            _ => json!({"int": value.to_string()}),
        },
        Value::Float(value) => from_float(value.get()),
        Value::Str(value) => json!(value),
        Value::Bytes(value) => json!({"bytes": to_hex(value)}),
        Value::Path(value) => match std::str::from_utf8(value) {
            Ok(text) => json!({"path": text}),
            Err(_) => json!({"path-bytes": to_hex(value)}),
        },
        Value::List(elements) => list(elements),
        Value::Tuple(elements) => json!({"tuple": list(elements)}),
        Value::Set(elements) => json!({"set": elements.iter().map(from_value).collect::<Vec<_>>()}),
        Value::Dict(entries) => {
            let entries = entries.iter().map(|(key, value)| json!([from_value(key), from_value(value)]));
            json!({"dict": entries.collect::<Vec<_>>()})
        }
        Value::Enum(value) => json!({"enum": [value.type_id, value.member]}),
        Value::Array(value) => {
            json!({"array": {"dtype": value.dtype, "shape": value.shape, "data": to_hex(&value.data)}})
        }
        Value::Config(reference) => from_reference(reference),
    }
}

/// Writes a node: its type identifier, parameters and linked tasks.
pub fn from_node(node: &Node) -> Json {
    let parameters = node.parameters.iter().map(|(name, value)| (name.clone(), from_value(value)));
    let mut object = Map::new();
    object.insert("type".into(), json!(node.type_id));
    object.insert("parameters".into(), Json::Object(parameters.collect()));
    if let Some(task) = &node.task {
        object.insert("task".into(), from_reference(task));
    }
    if !node.init_tasks.is_empty() {
        object.insert("init-tasks".into(), node.init_tasks.iter().map(from_reference).collect());
    }
    if !node.pre_tasks.is_empty() {
        let tasks = node.pre_tasks.iter().map(|digest| from_reference(&Reference::Digest(*digest)));
        object.insert("pre-tasks".into(), tasks.collect());
    }
    if let Some(number) = node.instance {
        object.insert("instance".into(), json!(number));
    }
    Json::Object(object)
}

/// Writes a document: the list of its nodes.
pub fn from_document(document: &Document) -> Json {
    document.nodes.iter().map(from_node).collect()
}

fn from_float(number: f64) -> Json {
    if let Some(finite) = Number::from_f64(number) {
        return Json::Number(finite);
    }
    json!({"float": if number.is_nan() { "nan" } else if number > 0.0 { "inf" } else { "-inf" }})
}

fn from_reference(reference: &Reference) -> Json {
    match reference {
        Reference::Digest(digest) => json!({"config": digest.to_string()}),
        Reference::Member(position) => json!({"member": position}),
    }
}

/// Reads a value.
///
/// # Errors
/// The JSON is not in this notation; the error says where.
pub fn to_value(json: &Json) -> Result<Value> {
    read_value(json, "")
}

/// Reads a node.
///
/// # Errors
/// The JSON is not in this notation; the error says where.
pub fn to_node(json: &Json) -> Result<Node> {
    read_node(json, "")
}

/// Reads a document.
///
/// # Errors
/// The JSON is not in this notation; the error says where.
pub fn to_document(json: &Json) -> Result<Document> {
    let nodes = list(json, "")?.iter().enumerate().map(|(position, node)| read_node(node, &format!("[{position}]")));
    Ok(Document { nodes: nodes.collect::<Result<_>>()? })
}

fn read_node(json: &Json, place: &str) -> Result<Node> {
    let Some(object) = json.as_object() else {
        return wrong(place, "a node is an object");
    };
    let mut node = Node::default();
    for (key, content) in object {
        let place = join(place, key);
        match key.as_str() {
            "type" => text(content, &place)?.clone_into(&mut node.type_id),
            "parameters" => {
                let Some(parameters) = content.as_object() else {
                    return wrong(&place, "expected an object");
                };
                for (name, value) in parameters {
                    node.parameters.insert(name.clone(), read_value(value, &join(&place, name))?);
                }
            }
            "task" => node.task = Some(reference(content, &place)?),
            "init-tasks" => {
                node.init_tasks =
                    list(content, &place)?.iter().map(|task| reference(task, &place)).collect::<Result<_>>()?;
            }
            "pre-tasks" => {
                for task in list(content, &place)? {
                    let Reference::Digest(digest) = reference(task, &place)? else {
                        return wrong(&place, "a pre-task is outside of the cycle");
                    };
                    node.pre_tasks.insert(digest);
                }
            }
            "instance" => match content.as_u64().filter(|number| *number >= 2) {
                None => return wrong(&place, "expected a number from 2 on"),
                number => node.instance = number,
            },
            _ => return wrong(&place, "a node has no such key"),
        }
    }
    if object.contains_key("type") { Ok(node) } else { wrong(place, "a node has a type") }
}

fn read_value(json: &Json, place: &str) -> Result<Value> {
    match json {
        Json::Null => Ok(Value::None),
        Json::Bool(value) => Ok(Value::Bool(*value)),
        Json::Number(number) => read_number(number, place),
        Json::String(value) => Ok(Value::Str(value.clone())),
        Json::Array(elements) => Ok(Value::List(read_values(elements, place)?)),
        Json::Object(object) => match object.iter().next() {
            Some((kind, content)) if object.len() == 1 => read_kind(kind, content, &join(place, kind)),
            _ => wrong(place, "expected an object with one key, such as {\"dict\": ..}"),
        },
    }
}

fn read_number(number: &Number, place: &str) -> Result<Value> {
    if let Some(integer) = number.as_i64() {
        return Ok(Value::Int(integer.into()));
    }
    match number.as_f64() {
        Some(float) if number.is_f64() => Ok(Value::Float(Float::new(float))),
        _ => wrong(place, "an integer this large is written {\"int\": \"..\"}"),
    }
}

fn read_values(elements: &[Json], place: &str) -> Result<Vec<Value>> {
    elements
        .iter()
        .enumerate()
        .map(|(position, element)| read_value(element, &format!("{place}[{position}]")))
        .collect()
}

fn read_kind(kind: &str, content: &Json, place: &str) -> Result<Value> {
    match kind {
        "int" => match text(content, place)?.parse::<Integer>() {
            Ok(integer) => Ok(Value::Int(integer)),
            Err(error) => wrong(place, error.to_string()),
        },
        "float" => match text(content, place)? {
            "nan" => Ok(Value::Float(Float::new(f64::NAN))),
            "inf" => Ok(Value::Float(Float::new(f64::INFINITY))),
            "-inf" => Ok(Value::Float(Float::new(f64::NEG_INFINITY))),
            _ => wrong(place, "expected nan, inf or -inf"),
        },
        "bytes" => Ok(Value::Bytes(from_hex(content, place)?)),
        "path" => Ok(Value::Path(text(content, place)?.as_bytes().to_vec())),
        "path-bytes" => Ok(Value::Path(from_hex(content, place)?)),
        "tuple" => Ok(Value::Tuple(read_values(list(content, place)?, place)?)),
        "set" => {
            let elements = read_values(list(content, place)?, place)?;
            let (given, set) = (elements.len(), elements.into_iter().collect::<BTreeSet<_>>());
            if set.len() == given { Ok(Value::Set(set)) } else { wrong(place, "an element occurs twice") }
        }
        "dict" => {
            let entries = list(content, place)?.iter().enumerate().map(|(position, entry)| {
                let place = format!("{place}[{position}]");
                let [key, value] = list(entry, &place)? else {
                    return wrong(&place, "expected [key, value]");
                };
                Ok((read_value(key, &place)?, read_value(value, &place)?))
            });
            let dict = entries.collect::<Result<BTreeMap<_, _>>>()?;
            if dict.len() == list(content, place)?.len() {
                Ok(Value::Dict(dict))
            } else {
                wrong(place, "a key occurs twice")
            }
        }
        "enum" => {
            let [type_id, member] = list(content, place)? else {
                return wrong(place, "expected [type, member]");
            };
            let (type_id, member) = (text(type_id, place)?.to_owned(), text(member, place)?.to_owned());
            Ok(Value::Enum(Enumerated { type_id, member }))
        }
        "array" => {
            let shape = list(&content["shape"], place)?.iter().map(Json::as_u64).collect::<Option<Vec<_>>>();
            let Some(shape) = shape else {
                return wrong(place, "a shape holds lengths");
            };
            let dtype = text(&content["dtype"], place)?.to_owned();
            Ok(Value::Array(Array { dtype, shape, data: from_hex(&content["data"], place)? }))
        }
        "config" => match text(content, place)?.parse::<Digest>() {
            Ok(digest) => Ok(Value::Config(Reference::Digest(digest))),
            Err(error) => wrong(place, error.to_string()),
        },
        "member" => match content.as_u64().and_then(|position| u32::try_from(position).ok()) {
            Some(position) => Ok(Value::Config(Reference::Member(position))),
            None => wrong(place, "expected a position"),
        },
        _ => wrong(place, "no such kind of value"),
    }
}

fn reference(json: &Json, place: &str) -> Result<Reference> {
    match read_value(json, place)? {
        Value::Config(reference) => Ok(reference),
        _ => wrong(place, "expected {\"config\": ..} or {\"member\": ..}"),
    }
}

fn text<'a>(json: &'a Json, place: &str) -> Result<&'a str> {
    json.as_str().map_or_else(|| wrong(place, "expected a text"), Ok)
}

fn list<'a>(json: &'a Json, place: &str) -> Result<&'a [Json]> {
    json.as_array().map_or_else(|| wrong(place, "expected a list"), |list| Ok(list.as_slice()))
}

fn join(place: &str, key: &str) -> String {
    if place.is_empty() { key.to_owned() } else { format!("{place}.{key}") }
}

fn to_hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

fn from_hex(json: &Json, place: &str) -> Result<Vec<u8>> {
    let digits = text(json, place)?.as_bytes();
    let nibble = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let bytes = digits.chunks(2).map(|pair| match pair {
        [high, low] => Some((nibble(*high)? << 4) | nibble(*low)?),
        _ => None,
    });
    bytes.collect::<Option<_>>().map_or_else(|| wrong(place, "expected pairs of hexadecimal digits"), Ok)
}

//! Canonical bytes of the model.

use super::{EncodeError, Encoder, Name, NodeFlags};
use crate::value::{Document, Node, Reference, Value};

/// The canonical bytes of a value.
///
/// ```
/// use experimaestro_core::{identifier::encode_value, value::Value};
/// assert_ne!(encode_value(&Value::Bool(true)), encode_value(&Value::Int(1.into())));
/// ```
///
/// # Errors
/// Containers are nested too deeply.
pub fn encode_value(value: &Value) -> Result<Vec<u8>, EncodeError> {
    let mut encoder = Encoder::default();
    write_value(&mut encoder, value)?;
    Ok(encoder.bytes)
}

/// The bytes that are hashed for an identifier.
///
/// # Errors
/// Containers are nested too deeply.
pub fn encode_document(document: &Document) -> Result<Vec<u8>, EncodeError> {
    let mut encoder = Encoder::default();
    encoder.begin_document(document.nodes.len());
    for node in &document.nodes {
        write_node(&mut encoder, node)?;
    }
    Ok(encoder.bytes)
}

fn write_node(encoder: &mut Encoder, node: &Node) -> Result<(), EncodeError> {
    let flags = NodeFlags {
        task: node.task.is_some(),
        init_tasks: !node.init_tasks.is_empty(),
        pre_tasks: !node.pre_tasks.is_empty(),
        further_instance: node.instance.is_some(),
    };
    let mark = encoder.begin_node(flags, &Name::new(&node.type_id));
    for (name, value) in &node.parameters {
        encoder.parameter(&Name::new(name));
        write_value(encoder, value)?;
    }
    encoder.end_parameters(mark, node.parameters.len());
    if let Some(task) = &node.task {
        write_reference(encoder, task);
    }
    if flags.init_tasks {
        encoder.section(node.init_tasks.len());
        node.init_tasks.iter().for_each(|task| write_reference(encoder, task));
    }
    if flags.pre_tasks {
        encoder.pre_tasks(&mut node.pre_tasks.iter().copied().collect());
    }
    if let Some(number) = node.instance {
        encoder.instance(number);
    }
    Ok(())
}

fn write_reference(encoder: &mut Encoder, reference: &Reference) {
    match reference {
        Reference::Digest(digest) => encoder.config(digest),
        Reference::Member(position) => encoder.member(*position),
    }
}

fn write_value(encoder: &mut Encoder, value: &Value) -> Result<(), EncodeError> {
    match value {
        Value::None => encoder.none(),
        Value::Bool(value) => encoder.bool(*value),
        Value::Int(value) => encoder.integer(value),
        Value::Float(value) => encoder.float(value.get()),
        Value::Str(value) => encoder.str(value),
        Value::Bytes(value) => encoder.bytes(value),
        Value::Path(value) => encoder.path(value),
        Value::Enum(value) => encoder.enumerated(&value.type_id, &value.member),
        Value::Array(value) => encoder.array(&value.dtype, &value.shape, &value.data),
        Value::Config(reference) => write_reference(encoder, reference),
        Value::List(elements) => {
            encoder.begin_list(elements.len())?;
            elements.iter().try_for_each(|element| write_value(encoder, element))?;
            encoder.end_list();
        }
        Value::Tuple(elements) => {
            encoder.begin_tuple(elements.len())?;
            elements.iter().try_for_each(|element| write_value(encoder, element))?;
            encoder.end_tuple();
        }
        Value::Set(elements) => {
            let mark = encoder.begin_set(elements.len())?;
            for element in elements {
                encoder.begin_entry();
                write_value(encoder, element)?;
            }
            encoder.end_set(mark)?;
        }
        Value::Dict(entries) => {
            let mark = encoder.begin_dict(entries.len())?;
            for (key, value) in entries {
                encoder.begin_entry();
                write_value(encoder, key)?;
                encoder.end_key();
                write_value(encoder, value)?;
            }
            encoder.end_dict(mark)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::encode_value;
    use crate::identifier::{EncodeError, tag};
    use crate::value::Value;

    fn nested(depth: u32) -> Value {
        (0..depth).fold(Value::None, |inner, _| Value::List(vec![inner]))
    }

    #[test]
    fn containers_nest_up_to_the_limit() {
        assert!(encode_value(&nested(tag::MAX_NESTING)).is_ok());
        assert_eq!(encode_value(&nested(tag::MAX_NESTING + 1)), Err(EncodeError::TooDeep));
    }
}

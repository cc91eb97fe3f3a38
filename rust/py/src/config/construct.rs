//! Making configurations and values: the `__new__` of every class.

use std::cell::Cell;

use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple, PyType};

use super::assign;
use super::base::{ConfigBase, set_raw};
use super::deprecation;
use super::provenance::Site;
use super::schema::{Conversion, Default, Schema, copy_default};
use super::state::{ConfigState, Inner, Tag};
use crate::errors;

thread_local! {
    /// Class of which a value, not a configuration, is being made.
    static MAKING_VALUE_OF: Cell<*mut ffi::PyTypeObject> = const { Cell::new(std::ptr::null_mut()) };
}

/// `Config.__new__`: `A(x=1)` and `A.C(x=1)` both make a configuration.
///
/// While the package itself makes a value of the class, it gives a bare object.
#[pyfunction]
#[pyo3(signature = (cls, *args, **kwargs))]
pub(crate) fn new_object<'py>(
    cls: &Bound<'py, PyType>,
    args: &Bound<'py, PyTuple>,
    kwargs: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    if MAKING_VALUE_OF.get() == cls.as_type_ptr() {
        return next_new(cls, args, kwargs);
    }
    let schema = Schema::of_class(cls)?;
    if !args.is_empty() {
        return Err(PyTypeError::new_err(format!(
            "{} takes no positional arguments: name each parameter, as in {}.C(name=value)",
            schema.get().type_id,
            schema.get().class.bind(cls.py()).name()?
        )));
    }
    let made = make(&schema, kwargs, Site::of_caller(cls.py()))?;
    if schema.get().conversion == Conversion::Replaces { deprecation::replacement(&made) } else { Ok(made) }
}

/// The `__new__` of the class that follows `Config`, for classes with a base outside this package.
fn next_new<'py>(
    cls: &Bound<'py, PyType>,
    args: &Bound<'py, PyTuple>,
    kwargs: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = cls.py();
    let config = py.import(intern!(py, "experimaestro._config.classes"))?.getattr(intern!(py, "Config"))?;
    let next = py.import(intern!(py, "builtins"))?.getattr(intern!(py, "super"))?.call1((config, cls))?;
    let new = next.getattr(intern!(py, "__new__"))?;
    let mut all = vec![cls.clone().into_any()];
    all.extend(args.iter());
    new.call(PyTuple::new(py, all)?, kwargs)
}

/// A bare object of a class, as `object.__new__` makes it (abstract classes are refused there).
pub(crate) fn allocate<'py>(class: &Bound<'py, PyType>) -> PyResult<Bound<'py, PyAny>> {
    let py = class.py();
    // SAFETY: `object` has a `tp_new`, which takes a type, an empty tuple and no keywords, and returns a new reference.
    unsafe {
        let slot = ffi::PyType_GetSlot(&raw mut ffi::PyBaseObject_Type, ffi::Py_tp_new);
        let new: ffi::newfunc = std::mem::transmute(slot);
        let empty = PyTuple::empty(py);
        Bound::from_owned_ptr_or_err(py, new(class.as_type_ptr(), empty.as_ptr(), std::ptr::null_mut()))
    }
}

/// A value object before its attributes are set: `__new__` of foreign bases, then `__init__` without arguments.
pub(crate) fn make_value<'py>(schema: &Schema, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
    let (class, plain_new) = {
        let making = schema.making();
        (making.class.bind(py).clone(), making.plain_new)
    };
    let object = if plain_new { allocate(&class)? } else { new_value(&class, &PyTuple::empty(py))? };
    initialise(schema, &object)?;
    Ok(object)
}

/// What `class.__new__(class, ...)` would give if the class were no configuration class: a value without attributes.
#[pyfunction]
#[pyo3(signature = (class_, *args))]
pub(crate) fn new_value<'py>(class_: &Bound<'py, PyType>, args: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, PyAny>> {
    let py = class_.py();
    let before = MAKING_VALUE_OF.replace(class_.as_type_ptr());
    let all: Vec<_> = std::iter::once(class_.clone().into_any()).chain(args.iter()).collect();
    let made = PyTuple::new(py, all).and_then(|all| class_.getattr(intern!(py, "__new__"))?.call1(all));
    MAKING_VALUE_OF.set(before);
    made
}

/// Call the `__init__` of a value object.
pub(crate) fn initialise(schema: &Schema, object: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = object.py();
    let (class, has_init) = {
        let making = schema.making();
        (making.class.bind(py).clone(), making.has_init)
    };
    if has_init {
        class.getattr(intern!(py, "__init__"))?.call1((object,))?;
    }
    Ok(())
}

/// A configuration with the given parameters.
pub(crate) fn make<'py>(
    schema: &Bound<'py, Schema>,
    kwargs: Option<&Bound<'py, PyDict>>,
    site: Option<Site>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = schema.py();
    let it = schema.get();
    let object = allocate(it.config_class.bind(py))?;
    let mut inner = Inner::default();
    let given = kwargs.map_or(0, pyo3::types::PyDictMethods::len);
    let mut found = 0;
    for (position, argument) in it.arguments.iter().enumerate() {
        let name = argument.name.bind(py);
        let explicit = match kwargs {
            Some(kwargs) if found < given => kwargs.get_item(name)?,
            _ => None,
        };
        if let Some(value) = explicit {
            found += 1;
            set_explicit(it, &object, &mut inner, position, &value, site.as_ref())?;
            continue;
        }
        match &argument.default {
            Default::Required => {}
            Default::Generated if argument.kind == super::schema::Kind::Generated => {}
            Default::Shared(value) => set_raw(&object, name, value.bind(py))?,
            Default::Copied(value) => set_raw(&object, name, &copy_default(value.bind(py))?)?,
            Default::Generated => set_raw(&object, name, &py.None().into_bound(py))?,
        }
    }
    let leftover = found < given;
    inner.site = site;
    let state = Bound::new(py, ConfigState::new(schema.clone().unbind(), inner))?;
    set_raw(&object, intern!(py, "__xpm_state__"), state.as_any())?;
    if leftover && let Some(kwargs) = kwargs {
        set_others(it, &object, kwargs)?;
    }
    Ok(object)
}

fn set_explicit(
    schema: &Schema,
    object: &Bound<'_, PyAny>,
    inner: &mut Inner,
    position: usize,
    value: &Bound<'_, PyAny>,
    site: Option<&Site>,
) -> PyResult<()> {
    let py = object.py();
    let argument = &schema.arguments[position];
    if matches!(argument.kind, super::schema::Kind::Constant | super::schema::Kind::Generated) {
        let what =
            if argument.generator.is_some() { "generated when the configuration is sealed" } else { "a constant" };
        let place = site.map(|site| format!("; set at {}", site.resolve(py))).unwrap_or_default();
        return Err(errors::sealed(
            py,
            format!("parameter '{}' of {} is {what}, hence read-only{place}", argument.text, schema.type_id),
        ));
    }
    let unwrapped = assign::unwrap(value);
    let stored = assign::checked(schema, position, &unwrapped.value, site)?;
    if argument.generic.is_some() {
        assign::bind_variables(schema, position, &stored, &mut inner.rare().type_variables, site)?;
    }
    set_raw(object, argument.name.bind(py), &stored)?;
    inner.set_explicit(position);
    if unwrapped.tagged {
        let site = site.map(|site| site.clone_ref(py));
        inner.rare().tags.push(Tag { name: argument.text.clone(), value: unwrapped.value.unbind(), site });
    }
    if unwrapped.barrier {
        inner.rare().tag_barriers.push(position);
    }
    Ok(())
}

/// Names that are no parameters: deprecated ones have a handler, the others are mistakes.
fn set_others(schema: &Schema, object: &Bound<'_, PyAny>, kwargs: &Bound<'_, PyDict>) -> PyResult<()> {
    let py = object.py();
    let object_type = schema.object_type.bind(py);
    for (name, value) in kwargs {
        if schema.position(&name)?.is_some() {
            continue;
        }
        if object_type.call_method1(intern!(py, "is_deprecated_attribute"), (&name,))?.extract()? {
            object.setattr(name.cast::<PyString>()?, value)?;
            continue;
        }
        let state = ConfigState::of_configuration(object)?;
        let place = state.get().lock().site.as_ref().map(|site| site.clone_ref(py));
        let place = place.map(|site| format!("; set at {}", site.resolve(py))).unwrap_or_default();
        let hint: String = object_type.call_method1(intern!(py, "suggest"), (&name,))?.extract()?;
        return Err(errors::validation(
            py,
            format!("parameter '{name}' of {}: there is no such parameter{hint}{place}", schema.type_id),
        ));
    }
    Ok(())
}

/// A configuration made by the package on behalf of the user's line that called it.
#[pyfunction]
#[pyo3(signature = (cls, values))]
pub(crate) fn construct<'py>(cls: &Bound<'py, PyType>, values: &Bound<'py, PyDict>) -> PyResult<Bound<'py, PyAny>> {
    let schema = Schema::of_class(cls)?;
    make(&schema, Some(values), Site::of_caller(cls.py()))
}

/// The state of a configuration; `None` for anything else.
#[pyfunction]
pub(crate) fn state_of<'py>(value: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, ConfigState>>> {
    if value.is_instance_of::<ConfigBase>() { ConfigState::of(value) } else { Ok(None) }
}

//! The compiled form of a configuration class: parameters, validators, defaults, and what counts in the identifier.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use pyo3::exceptions::PyTypeError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyListMethods, PyString, PyTuple, PyType};

use super::hash::instances;
use super::plan::Plan;
use super::types::TypeSpec;

/// What a parameter is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// Counts in the identifier.
    Param,
    /// Never counts.
    Meta,
    /// Counts always, cannot be set.
    Constant,
    /// A path or value made when the configuration is sealed; never counts, cannot be set.
    Generated,
    /// A file or folder, copied when the configuration is saved; never counts.
    Data,
}

/// What a parameter holds when nobody set it.
pub(crate) enum Default {
    /// Nothing: the parameter is required.
    Required,
    /// An immutable value, shared by all configurations.
    Shared(Py<PyAny>),
    /// A value that is copied for each configuration.
    Copied(Py<PyAny>),
    /// Made at sealing by the generator; until then `None` if the user may set it, else nothing.
    Generated,
}

/// One parameter of a class; its flags are independent of each other.
#[allow(clippy::struct_excessive_bools)]
pub(crate) struct Argument {
    pub(crate) name: Py<PyString>,
    pub(crate) text: String,
    pub(crate) spec: TypeSpec,
    pub(crate) kind: Kind,
    pub(crate) default: Default,
    /// Left out of the identifier when equal to the default.
    pub(crate) ignore_default: bool,
    /// There is a default that the user wrote; else an optional parameter defaults to `None`.
    pub(crate) has_default: bool,
    /// Called on a value before it is validated.
    pub(crate) converter: Option<Py<PyAny>>,
    /// `check(value) -> bool`, if the annotation has a checker.
    pub(crate) checker: Option<Py<PyAny>>,
    /// Called when the configuration is sealed.
    pub(crate) generator: Option<Py<PyAny>>,
    pub(crate) holds_configurations: bool,
    /// It may hold a configuration whose paths were generated elsewhere.
    pub(crate) ignore_generated: bool,
    /// The annotation, if type variables or arguments of generic classes in it must agree with the value.
    pub(crate) generic: Option<Py<PyAny>>,
    /// Canonical bytes of the default, computed at first need.
    pub(crate) default_bytes: OnceLock<Vec<u8>>,
}

impl Argument {
    pub(crate) fn is_required(&self) -> bool {
        matches!(self.default, Default::Required)
    }
}

/// How instances of the class are made and brought to life: independent facts, each asked for once per object.
pub(crate) struct Making {
    /// The class of instances.
    pub(crate) class: Py<PyType>,
    /// `__new__` is ours followed by `object`'s: the object can be allocated directly.
    pub(crate) plain_new: bool,
    pub(crate) has_init: bool,
    pub(crate) has_post_init: bool,
}

/// What a class that is deprecated does with its configurations.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Conversion {
    /// Nothing; it is not deprecated, or its parent took over.
    None,
    /// A configuration is identified by what it converts to.
    Identifies,
    /// The constructor answers what the configuration converts to.
    Replaces,
}

impl Conversion {
    fn of(object_type: &Bound<'_, PyAny>) -> PyResult<Self> {
        let py = object_type.py();
        Ok(if object_type.getattr(intern!(py, "_replaces"))?.extract()? {
            Self::Replaces
        } else if object_type.getattr(intern!(py, "_converts"))?.extract()? {
            Self::Identifies
        } else {
            Self::None
        })
    }
}

/// A class, compiled once.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own about the class")]
#[pyclass(frozen, module = "experimaestro._core")]
pub struct Schema {
    pub(crate) type_id: String,
    /// The class that the user wrote.
    pub(crate) class: Py<PyType>,
    /// The generated class of configurations.
    pub(crate) config_class: Py<PyType>,
    /// How instances are made: `A.value_class()` can change it after the class was compiled.
    making: Mutex<Making>,
    /// The class defines `__validate__`.
    pub(crate) has_validate: bool,
    /// Parents' parameters first, each class in the order of its annotations.
    pub(crate) arguments: Vec<Argument>,
    /// What counts in identifiers, prepared at first need.
    pub(crate) plan: OnceLock<Plan>,
    /// What `identity.json` tells of the parameters, prepared at first need.
    pub(crate) described: OnceLock<String>,
    /// How stored objects name the class, prepared at first need.
    pub(crate) class_text: OnceLock<String>,
    /// Indices of the parameters in which a configuration may be found.
    pub(crate) holding: Vec<usize>,
    /// Parameter name to index.
    pub(crate) index: Py<PyDict>,
    pub(crate) is_task: bool,
    /// Equal objects of the class are told apart.
    pub(crate) is_instance: bool,
    pub(crate) is_lightweight: bool,
    pub(crate) conversion: Conversion,
    /// Python's `ObjectType` of the class.
    pub(crate) object_type: Py<PyAny>,
}

impl Schema {
    /// How instances are made; no Python code runs while this is held.
    pub(crate) fn making(&self) -> MutexGuard<'_, Making> {
        self.making.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The schema of what has no parameters and cannot be made by users: its class stands for all the others.
    pub(crate) fn without_parameters(class: &Bound<'_, PyType>, type_id: &str) -> Self {
        let py = class.py();
        let making = Making { class: class.clone().unbind(), plain_new: false, has_init: false, has_post_init: false };
        Self {
            type_id: type_id.to_owned(),
            class: class.clone().unbind(),
            config_class: class.clone().unbind(),
            making: Mutex::new(making),
            has_validate: false,
            arguments: Vec::new(),
            plan: OnceLock::new(),
            described: OnceLock::new(),
            class_text: OnceLock::new(),
            holding: Vec::new(),
            index: PyDict::new(py).unbind(),
            is_task: true,
            is_instance: false,
            is_lightweight: true,
            conversion: Conversion::None,
            object_type: py.None(),
        }
    }

    /// Index of a parameter, if the class has one of that name.
    pub(crate) fn position(&self, name: &Bound<'_, PyAny>) -> PyResult<Option<usize>> {
        match self.index.bind(name.py()).get_item(name)? {
            Some(index) => Ok(Some(index.extract()?)),
            None => Ok(None),
        }
    }

    /// The schema of a class that the user wrote, compiling it at first use.
    pub(crate) fn of_class<'py>(class: &Bound<'py, PyType>) -> PyResult<Bound<'py, Schema>> {
        let py = class.py();
        if let Ok(found) = class.getattr(intern!(py, "__xpm_schema__"))
            && let Ok(schema) = found.cast_into::<Schema>()
        {
            let it = schema.get();
            // An attribute found on a parent describes the parent.
            if it.class.bind(py).is(class) || it.config_class.bind(py).is(class) {
                return Ok(schema);
            }
        }
        let compiled = class.call_method0(intern!(py, "__xpm_compile__"))?;
        Ok(compiled.cast_into::<Schema>()?)
    }
}

fn is_immutable(value: &Bound<'_, PyAny>) -> bool {
    value.is_none()
        || value.is_exact_instance_of::<PyBool>()
        || value.is_exact_instance_of::<PyInt>()
        || value.is_exact_instance_of::<PyFloat>()
        || value.is_exact_instance_of::<PyString>()
}

fn compile_argument(given: &Bound<'_, PyAny>) -> PyResult<Argument> {
    let py = given.py();
    let get = |name: &str| given.getattr(name);
    let spec = TypeSpec::compile(&get("spec")?)?;
    let name: Bound<'_, PyString> = get("name")?.cast_into()?;
    let kind = match get("kind")?.extract::<String>()?.as_str() {
        "param" => Kind::Param,
        "meta" => Kind::Meta,
        "constant" => Kind::Constant,
        "generated" => Kind::Generated,
        "data" => Kind::Data,
        other => return Err(PyTypeError::new_err(format!("unknown kind of parameter {other:?}"))),
    };
    let optional = |name: &str| -> PyResult<Option<Py<PyAny>>> {
        let value = get(name)?;
        Ok((!value.is_none()).then(|| value.unbind()))
    };
    let generator = optional("generator")?;
    let has_default: bool = get("has_default")?.extract()?;
    let default = if has_default {
        let value = get("default")?;
        if is_immutable(&value) || matches!(spec, TypeSpec::Enum(_) | TypeSpec::Path | TypeSpec::Literal(_)) {
            Default::Shared(value.unbind())
        } else {
            Default::Copied(value.unbind())
        }
    } else if generator.is_some() {
        Default::Generated
    } else if get("required")?.extract()? {
        Default::Required
    } else {
        Default::Shared(py.None())
    };
    Ok(Argument {
        text: name.to_str()?.to_owned(),
        name: name.unbind(),
        holds_configurations: spec.may_hold_configurations(),
        spec,
        kind,
        default,
        ignore_default: get("ignore_default")?.extract()?,
        has_default,
        converter: optional("converter")?,
        checker: optional("checker")?,
        ignore_generated: get("ignore_generated")?.extract()?,
        generic: optional("generic")?,
        generator,
        default_bytes: OnceLock::new(),
    })
}

#[pymethods]
impl Schema {
    /// Compile a class: `arguments` have the attributes `name, spec, kind, has_default, default, required,
    /// ignore_default, ignore_generated, generic,
    /// converter, checker, generator`.
    #[new]
    #[pyo3(signature = (type_id, class, config_class, value_class, arguments, object_type, *, is_task, is_lightweight, lifecycle, is_instance = false))]
    #[allow(clippy::too_many_arguments)]
    fn new(
        py: Python<'_>,
        type_id: String,
        class: Bound<'_, PyType>,
        config_class: Bound<'_, PyType>,
        value_class: Bound<'_, PyType>,
        arguments: &Bound<'_, PyList>,
        object_type: Py<PyAny>,
        is_task: bool,
        is_lightweight: bool,
        lifecycle: (bool, bool, bool, bool),
        is_instance: bool,
    ) -> PyResult<Self> {
        if is_instance {
            instances::exist();
        }
        let arguments = arguments.iter().map(|a| compile_argument(&a)).collect::<PyResult<Vec<_>>>()?;
        let index = PyDict::new(py);
        for (position, argument) in arguments.iter().enumerate() {
            index.set_item(&argument.name, position)?;
        }
        let holding = (0..arguments.len()).filter(|&i| arguments[i].holds_configurations).collect();
        let (plain_new, has_init, has_post_init, has_validate) = lifecycle;
        Ok(Self {
            type_id,
            class: class.unbind(),
            config_class: config_class.unbind(),
            making: Mutex::new(Making { class: value_class.unbind(), plain_new, has_init, has_post_init }),
            has_validate,
            arguments,
            plan: OnceLock::new(),
            described: OnceLock::new(),
            class_text: OnceLock::new(),
            holding,
            index: index.unbind(),
            is_task,
            is_instance,
            is_lightweight,
            conversion: Conversion::of(object_type.bind(py))?,
            object_type,
        })
    }

    /// The type identifier.
    #[getter]
    fn type_id(&self) -> &str {
        &self.type_id
    }

    /// Whether configurations of the class can be submitted.
    #[getter]
    fn is_task(&self) -> bool {
        self.is_task
    }

    /// Whether configurations of the class can be executed inside another job.
    #[getter]
    fn is_lightweight(&self) -> bool {
        self.is_lightweight
    }

    /// Python's description of the class.
    #[getter]
    fn object_type(&self, py: Python<'_>) -> Py<PyAny> {
        self.object_type.clone_ref(py)
    }

    /// The generated class of configurations.
    #[getter]
    fn config_class(&self, py: Python<'_>) -> Py<PyType> {
        self.config_class.clone_ref(py)
    }

    /// Make instances of another class from now on: `(plain __new__, __init__, __post_init__)` tell what it defines.
    #[pyo3(signature = (class_, lifecycle))]
    fn set_value_class(&self, class_: Py<PyType>, lifecycle: (bool, bool, bool)) {
        let (plain_new, has_init, has_post_init) = lifecycle;
        let before =
            std::mem::replace(&mut *self.making(), Making { class: class_, plain_new, has_init, has_post_init });
        drop(before);
    }

    /// The class of instances.
    #[getter]
    fn value_class(&self, py: Python<'_>) -> Py<PyType> {
        self.making().class.clone_ref(py)
    }

    /// The value to store for a parameter; raises `ValidationError` if it does not fit.
    fn coerce<'py>(&self, name: &Bound<'py, PyString>, value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let Some(position) = self.position(name)? else {
            return Err(crate::errors::validation(name.py(), format!("{} has no parameter {name}", self.type_id)));
        };
        super::assign::checked(self, position, value, None)
    }

    #[allow(clippy::unnecessary_wraps)]
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.class)?;
        visit.call(&self.config_class)?;
        if let Ok(making) = self.making.try_lock() {
            visit.call(&making.class)?;
        }
        visit.call(&self.object_type)
    }
}

/// A copy of a default for one configuration: containers and configurations are new objects.
pub(crate) fn copy_default<'py>(value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = value.py();
    if value.cast_exact::<PyList>().is_ok_and(PyListMethods::is_empty) {
        return Ok(PyList::empty(py).into_any());
    }
    if value.cast_exact::<PyTuple>().is_ok_and(|tuple| tuple.iter().all(|item| is_immutable(&item))) {
        return Ok(value.clone());
    }
    py.import(intern!(py, "experimaestro._config.copying"))?.call_method1(intern!(py, "copy_default"), (value,))
}

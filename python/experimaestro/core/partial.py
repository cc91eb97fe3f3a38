"""Import path of older projects: see `experimaestro._config.partials`."""

from experimaestro._config.partials import ParameterGroup as ParameterGroup
from experimaestro._config.partials import Partial as Partial
from experimaestro._config.partials import param_group as param_group
from experimaestro._config.partials import partial as partial

"""Names of the older package."""

from experimaestro._run.services import Service as Service
from experimaestro._run.services import ServiceListener as ServiceListener
from experimaestro._run.services import ServiceState as ServiceState
from experimaestro._run.web_services import ProcessWebService as ProcessWebService
from experimaestro._run.web_services import WebService as WebService

"""Tokens: what only so many jobs may use at once, in any process and on any host that shares their folder."""

from experimaestro._run.tokens import CounterToken as CounterToken
from experimaestro._run.tokens import Dependency as Dependency
from experimaestro._run.tokens import ProcessCounterToken as ProcessCounterToken
from experimaestro._run.tokens import Token as Token
from experimaestro._run.tokens import TokenDependency as TokenDependency
from experimaestro._run.tokens import WriterDependency as WriterDependency

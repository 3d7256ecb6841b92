"""Documents as a stranger reads them: a graph, a profile, the terms that they use."""

import json
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import pyshacl
import rdflib

from consent.dpv import terms

_PROFILE = Path(__file__).with_name("profile_27560.ttl")
_DPV = "https://w3id.org/dpv"


@cache
def _shapes() -> rdflib.Graph:
    return rdflib.Graph().parse(_PROFILE, format="turtle")


def graph_of(document: dict[str, Any]) -> rdflib.Graph:
    """Parse with the context that the document carries: nothing is fetched."""
    with warnings.catch_warnings():
        # The parser uses what its own library deprecates.
        warnings.simplefilter("ignore", DeprecationWarning)
        return rdflib.Graph().parse(data=json.dumps(document), format="json-ld")


def complaints(graph: rdflib.Graph) -> str:
    """Return what the profile says against a graph; empty when it conforms."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        conforms, _results, text = pyshacl.validate(graph, shacl_graph=_shapes())
    return "" if conforms else str(text)


def unknown_terms(graph: rdflib.Graph) -> set[str]:
    """Return IRIs in the namespaces of DPV that its authors do not know."""
    used = {str(part) for triple in graph for part in triple if isinstance(part, rdflib.URIRef)}
    ours = {iri for iri in used if iri.startswith(_DPV) and "/schema/" not in iri}
    return ours - set(terms())

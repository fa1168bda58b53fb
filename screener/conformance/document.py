"""The whole statement: the prose of `template.md`, with a table for each placeholder."""

from __future__ import annotations

from importlib.resources import files
from string import Template

from screener import __version__
from screener.config import ArchiveSettings, DriveSettings, ListenerSettings, StorageSettings
from screener.conformance import (
    attributes,
    character_sets,
    content_tree,
    parameters,
    statuses,
    terminology,
    wire,
)
from screener.conformance.specimens import KINDS
from screener.domain.report import ResultKind
from screener.domain.retry import REFUSALS
from screener.network.query import UIDS_IN_A_LIST
from screener.pipeline.commitment import REQUEST_BATCH

_TEMPLATE = "template.md"


def conformance_statement() -> str:
    """Return the conformance statement of this version as Markdown.

    The same on every machine: what depends on a machine (which decoders work, what the settings
    say) is told in words, with defaults.
    """
    return Template(template()).substitute(_blocks())


def template() -> str:
    """Return the prose, with its placeholders."""
    return (files("screener.conformance") / _TEMPLATE).read_text(encoding="utf-8")


def _blocks() -> dict[str, str]:
    return {
        "version": __version__,
        **_facts(),
        **statuses.numbers(),
        "services": wire.services(),
        "service_roles": wire.service_roles(),
        "identification": wire.identification(),
        "waits_for": wire.waits(),
        "rejections": wire.rejections(),
        "proposed_contexts": wire.proposed_contexts(),
        "accepted_contexts": wire.accepted_presentation_contexts(),
        "accepted_classes": wire.accepted_classes(),
        "transfer_syntaxes": wire.transfer_syntaxes(),
        "result_objects": wire.result_objects(),
        "sent_statuses": statuses.sent_statuses(),
        "store_answers": statuses.store_answers(),
        "action_answers": statuses.action_answers(),
        "commitment_answers": statuses.commitment_answers(),
        "find_answers": statuses.find_answers(),
        "demo_statuses": statuses.archive_of_the_demo(),
        "delivery_states": statuses.delivery_states(),
        "node_parameters": parameters.node_parameters(),
        "caller_parameters": parameters.caller_parameters(),
        "archive_parameters": parameters.archive_parameters(),
        "character_sets": character_sets.character_sets(),
        "languages": terminology.languages(),
        "shared_attributes": attributes.shared_attributes(),
        "object_attributes": _object_attributes(),
        "copied_attributes": attributes.copied_attributes(),
        "private_attributes": str(attributes.private_attribute_count() or "None"),
        "content_tree": content_tree.tree_table(),
        "private_scheme": terminology.private_scheme(),
        "own_codes": terminology.own_codes(),
        "standard_codes": terminology.standard_codes(),
        "template_codes": terminology.template_codes(),
    }


def _facts() -> dict[str, str]:
    """Return single values that the prose names."""
    return {
        "ae_title": parameters.default_of(ListenerSettings, "ae_title"),
        "host": parameters.default_of(ListenerSettings, "host"),
        "port": parameters.default_of(ListenerSettings, "port"),
        "max_associations": parameters.default_of(ListenerSettings, "max_associations"),
        "timeout_s": parameters.default_of(ArchiveSettings, "timeout_s"),
        "overdue_h": parameters.default_of(DriveSettings, "commitment_overdue_h"),
        "min_free_mb": parameters.default_of(StorageSettings, "min_free_mb"),
        "request_batch": str(REQUEST_BATCH),
        "uids_in_a_list": str(UIDS_IN_A_LIST),
        "refusals": str(REFUSALS),
    }


def _object_attributes() -> str:
    """Return a section for each kind of object."""
    sections = []
    for number, kind in enumerate(ResultKind, start=1):
        words = KINDS.get(kind)
        title = words.title if words else kind.value.capitalize()
        body = attributes.attributes_of(kind) if words else "Not tabulated in this version."
        sections.append(f"#### 10.1.{number + 1} {title}\n\n{body}")
    return "\n\n".join(sections)

#!/usr/bin/env python3
"""Writes what the vendors' own builders know: an element a line, with its attributes and with what may stand inside of it.

The packages are asked, not read: every builder says which attributes it writes when all of them are set. `--check FILE`
writes nothing, and fails if the file says something else.
"""

import argparse
import inspect
import json
import sys
from importlib.metadata import version

import plivo.xml
from twilio.twiml import TwiML
from twilio.twiml.voice_response import VoiceResponse


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", metavar="FILE", help="compare with this file")
    options = parser.parse_args()
    text = "".join(lines("plivo", plivo_elements()) + lines("twilio", twilio_elements()))
    if options.check is None:
        sys.stdout.write(text)
        return
    with open(options.check, encoding="ascii") as file:
        if file.read() != text:
            sys.exit(f"{options.check} is not what the packages know: write it anew and read the difference")


def lines(package, elements):
    about = {"package": package, "version": version(package)}
    return [
        json.dumps({**about, "element": name, "attributes": sorted(attributes), "children": sorted(children)}) + "\n"
        for name, (attributes, children) in sorted(elements.items())
    ]


def plivo_elements():
    """An element lists what it nests, and writes down the attributes that are set: here all of them are."""

    class AllSet:
        def __getattr__(self, name):
            return "1"

    def is_element(member):
        return inspect.isclass(member) and hasattr(member, "_nestable")

    builders = [builder for _, builder in inspect.getmembers(plivo.xml, is_element)]
    return {builder._name: (set(builder.to_dict(AllSet())), set(builder._nestable)) for builder in builders}


def twilio_elements():
    """An element has a method for each element that it nests; the method takes the attributes of that element."""
    elements, waiting = {}, [VoiceResponse()]
    while waiting:
        element = waiting.pop()
        attributes, children = elements.setdefault(element.name, (set(), set()))
        attributes.update(element.attrs)
        for child in nested(element):
            children.add(child.name)
            if child.name not in elements or not elements[child.name][0].issuperset(child.attrs):
                waiting.append(child)
    return elements


def nested(element):
    for name, method in inspect.getmembers(element, inspect.ismethod):
        if not name.startswith("_") and not hasattr(TwiML, name):
            parameters = inspect.signature(method).parameters.values()
            yield method(**{p.name: "1" for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD})


if __name__ == "__main__":
    main()

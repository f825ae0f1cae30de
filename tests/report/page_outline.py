"""The structure of a page, for tests that look at structure and not at pixels."""

import re
from html.parser import HTMLParser

VOID_ELEMENTS = {"meta", "link", "br", "img", "hr", "input"}


class Outline(HTMLParser):
    """The headings, ids and links of a page, and whether its elements nest."""

    def __init__(self, page):
        super().__init__()
        self.open, self.headings, self.ids, self.links, self.tags = [], [], [], [], []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        """Open an element and note its id and links."""
        values = dict(attrs)
        self.tags.append(tag)
        self.ids += [values["id"]] if "id" in values else []
        self.links += [values[key] for key in ("href", "src", "xlink:href") if key in values]
        if tag not in VOID_ELEMENTS:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        """Open and close an element."""
        self.handle_starttag(tag, attrs)
        if tag not in VOID_ELEMENTS:
            self.open.pop()

    def handle_endtag(self, tag):
        """Close the element that was opened last, and no other."""
        assert self.open.pop() == tag

    def handle_data(self, data):
        """Note the text of headings."""
        if self.open and self.open[-1] in ("h1", "h2"):
            self.headings.append(data.strip())


def text_of(page, between=""):
    """Return the words of a page, without its drawings; `between` stands where a tag was."""
    body = re.sub(r"<svg.*?</svg>|<style.*?</style>", " ", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", between, body))

"""A small template that may be sent, into which tests put what may not."""

OPT_OUT = '<a href="{{ opt_out_url }}">Stop</a>'


def mail(inside: str = "", *, head: str = "", foot: str = OPT_OUT) -> str:
    """The inside stands on line 4, in a column."""
    return (
        f"<mjml>\n<mj-head>{head}</mj-head>\n<mj-body><mj-section><mj-column>\n"
        f"{inside}\n<mj-text>{foot}</mj-text></mj-column></mj-section></mj-body></mjml>"
    )

"""What the visual editor would lose is refused; what closes itself is closed for it."""

import pytest
from django.utils.translation import override

from campaigns.content.blocks.ready import ready_mails
from campaigns.content.library import starters
from campaigns.content.lint import lint
from campaigns.content.visual import expanded, visual_obstacles

_FRAME = "<mjml><mj-body><mj-section><mj-column>{}</mj-column></mj-section></mj-body></mjml>"


@pytest.mark.parametrize(
    ("inside", "said"),
    [
        ("<mj-table><tr><td>1</td></tr></mj-table>", "mj-table"),
        ("<MJ-TABLE></MJ-TABLE>", "mj-table"),
        ("<mj-raw><p>x</p></mj-raw>", "mj-raw"),
        ("<mj-accordion></mj-accordion>", "mj-accordion"),
        ("<!-- note --><mj-text>x</mj-text>", "comments"),
        ("<mj-text>x", "mj-text"),
        ("<mj-include path='/etc/passwd' />", "mj-include"),
        ("words", "mj-text"),
    ],
)
def test_what_would_be_lost_is_refused_by_name(inside: str, said: str) -> None:
    with override("en"):
        assert said in " ".join(visual_obstacles(_FRAME.format(inside)))


def test_what_closes_itself_is_closed_and_nothing_else_changes() -> None:
    given = (
        "<mj-image src=\"/media/a>b.png\" alt='x / y' /><mj-divider/><mj-text>a <br /> b</mj-text>"
    )
    assert expanded(given) == (
        "<mj-image src=\"/media/a>b.png\" alt='x / y'></mj-image><mj-divider></mj-divider>"
        "<mj-text>a <br /> b</mj-text>"
    )


def test_every_mail_of_the_program_opens_and_stays_right_when_expanded() -> None:
    for mjml in [each.mjml for each in ready_mails()]:
        assert visual_obstacles(mjml) == []
        assert lint(expanded(mjml)) == []
    for mjml in [each.mjml for each in starters()]:
        assert lint(expanded(mjml)) == []
        assert bool(visual_obstacles(mjml)) == ("<mj-table" in mjml)

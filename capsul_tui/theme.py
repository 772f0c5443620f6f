"""Our colours: for dark and light backgrounds, and for terminals that have sixteen or none."""

from textual.theme import Theme

DARK = Theme(
    name="capsul-dark",
    primary="#8fc7a1",  # moss in the morning
    secondary="#7aa7c7",
    accent="#e5b567",
    success="#8fc98a",
    warning="#e5b567",
    error="#e9796e",
    foreground="#d7dad6",
    background="#121513",
    surface="#1a1f1c",
    panel="#242b27",
    dark=True,
    variables={
        "operator": "#d693c9",
        "operator-bar": "#6b3160",
        "operator-text": "#ffffff",
        "operator-cursor": "#43263d",
        "operator-cursor-text": "#ffffff",
        "quiet": "#939c97",
        "line": "#38423c",
        "cursor": "#25342b",
        "cursor-text": "#ffffff",
        "second": "#e0a06a",
    },
)

LIGHT = Theme(
    name="capsul-light",
    primary="#22683f",
    secondary="#2a5d85",
    accent="#734b00",
    success="#296f34",
    warning="#734b00",
    error="#b3261e",
    foreground="#242825",
    background="#fbfbf7",
    surface="#f1f2ec",
    panel="#e5e8df",
    dark=False,
    variables={
        "operator": "#8d2f7b",
        "operator-bar": "#8d2f7b",
        "operator-text": "#ffffff",
        "operator-cursor": "#ecd3e6",
        "operator-cursor-text": "#000000",
        "quiet": "#606763",
        "line": "#c3c9c2",
        "cursor": "#d6e9db",
        "cursor-text": "#000000",
        "second": "#9c4e0b",
    },
)

SIXTEEN = Theme(
    name="capsul-16",
    primary="ansi_green",
    secondary="ansi_cyan",
    accent="ansi_yellow",
    success="ansi_green",
    warning="ansi_yellow",
    error="ansi_red",
    foreground="ansi_default",
    background="ansi_default",
    surface="ansi_default",
    panel="ansi_default",
    boost="ansi_default",
    ansi=True,
    variables={
        "operator": "ansi_magenta",
        "operator-bar": "ansi_magenta",
        "operator-text": "ansi_bright_white",
        "operator-cursor": "ansi_magenta",
        "operator-cursor-text": "ansi_bright_white",
        "quiet": "ansi_default",
        "line": "ansi_default",
        "cursor": "ansi_green",
        "cursor-text": "ansi_black",
        "second": "ansi_yellow",
        "ansi-background": "ansi_black",
        "ansi-foreground": "ansi_white",
        "block-cursor-foreground": "ansi_black",
        "block-cursor-background": "ansi_white",
        "input-cursor-background": "ansi_white",
        "input-cursor-foreground": "ansi_black",
    },
)

THEMES = (DARK, LIGHT, SIXTEEN)

"""What the output of a benchmark says, and whether its figures count."""
import re

WORD = re.compile(r"\b([a-z][a-z0-9_]*)=(\S+)")


def number(text):
    try:
        return float(text)
    except ValueError:
        return text


def observations(output):
    lines = [{name: number(value) for name, value in WORD.findall(line)} for line in output.splitlines()]
    return [line for line in lines if line]


def verdict(lines, code):
    """none: nobody looked whether the work was done."""
    told = [line["checker"] for line in lines if "checker" in line]
    failed = sum(line.get("failed", 0) + line.get("failures", 0) for line in lines)
    if code != 0 or failed or any(word != "passed" for word in told):
        return "FAILED"
    counted = any("failed" in line or "failures" in line for line in lines)
    return "passed" if told or counted else "none"

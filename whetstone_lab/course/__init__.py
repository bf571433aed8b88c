"""The course: its chapters and quizzes, and the networks and runs that stand in where training would take too long."""

from whetstone_lab.course import by_hand, kept
from whetstone_lab.course.asking import quiz
from whetstone_lab.course.index import CHAPTERS, Chapter

__all__ = ["CHAPTERS", "Chapter", "by_hand", "kept", "quiz"]

"""A dance set with a known answer: music made by code, and dancers who follow it by a written
rule."""

//! Nothing: what is here is the bench `decisions`. A package of its own, so that nobody else has to build criterion.

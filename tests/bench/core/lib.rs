//! Empty: this package only holds the bench `decisions`, so that no other package has to build criterion.

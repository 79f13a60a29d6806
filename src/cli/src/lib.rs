#![doc = "The brownout command, as a library for its binary and the tests."]

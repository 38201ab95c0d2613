"""Full-W2V: word2vec training on one GPU or CPU, behind gensim's interface."""
